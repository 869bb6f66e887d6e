"""What is used of every limit, and an operator's act of adding to one run's cap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.core.ledger.charges import meters_of, rows_meter
from ringfence.core.ledger.model_caps import own_meter
from ringfence.core.ledger.moves import frees_at, held_of, is_of_run, run_of, used_of
from ringfence.core.ledger.raising import CALLS, WALL_CLOCK
from ringfence.core.ledger.shortfall import in_units
from ringfence.core.model.agent import Limits
from ringfence.core.model.facts import Link
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.meter import OF_MODELS, Charge, Meter, MeterKind
from ringfence.core.model.operator import Operator
from ringfence.core.model.pause import paused_ms
from ringfence.core.model.run import Run, RunState
from ringfence.core.narrowing.grants import limited
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Raise, Unit
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.runs.runs import NotDone
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

RAISE = "raise"
"""The decision of the entry that records one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One meter as it stands. Amounts of sums and of money are in millionths, of wall clocks in seconds."""

    meter: str
    kind: str
    """A kind of meter, `calls` or `wall_clock`."""
    used: int
    """Held and spent."""
    held: int
    cap: int
    """With what was added."""
    added: int = 0
    window_s: int = 0
    """0: as long as the run, or no window at all."""
    frees_at: Millis | None = None
    """When something is free again by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A cap that an operator has added to."""

    reading: Reading
    entry: str


class Budgets:
    """The ledger as people see it."""

    def __init__(self, *, store: Store, clock: Clock, catalogue: Catalogue, alerts: Alerts | None = None) -> None:
        self._store = store
        self._alerts = alerts
        self._clock = clock
        self._catalogue = catalogue

    async def of_run(self, run_id: RunId) -> tuple[Run, tuple[Reading, ...]] | NotDone:
        """Every meter that the run's calls are charged to, those of the runs above it included."""
        chain = await self._chain(run_id)
        if isinstance(chain, NotDone):
            return chain
        now = self._clock.now()
        readings: list[Reading] = []
        for link in chain:
            account = await self._store.account(link.run.id)
            if (cap := link.limits.calls_per_run) is not None:
                readings.append(
                    Reading(
                        meter=_calls_meter(link.run.id),
                        kind=CALLS,
                        used=account.held + account.spent,
                        held=account.held,
                        cap=cap + account.extra,
                        added=account.extra,
                    )
                )
            if (seconds := link.limits.wall_clock_s) is not None:
                age = max(0, now - link.run.opened_at - link.paused_ms) // 1000
                readings.append(
                    Reading(meter=f"{WALL_CLOCK}:run/{link.run.id}:all", kind=WALL_CLOCK, used=age, held=0, cap=seconds)
                )
        run = chain[0].run
        return run, (*readings, *await self._metered(run.agent, chain))

    async def of_agent(self, agent: AgentId) -> tuple[Reading, ...] | NotDone:
        """Every meter that all runs of an agent share."""
        if agent not in self._catalogue.rules.agents:
            return NotDone(f"there is no agent `{agent[:80]}`", "`ringfence agent list` shows the configured ones")
        return await self._metered(agent, ())

    async def raise_cap(self, run_id: RunId, meter: str, by: int, *, operator: Operator, reason: str) -> Raised | NotDone:
        """Add to the cap of one meter of one run, for as long as the run lives.

        `meter`: `calls`, `rows`, a kind of what models are capped by (`spend`, `tokens`), or a meter's name.
        """
        if by <= 0:
            return NotDone("a cap is raised by more than nothing")
        if not reason.strip():
            return NotDone("a raise needs a reason: the log has to say why")
        chain = await self._chain(run_id)
        if isinstance(chain, NotDone):
            return chain
        run = chain[0].run
        if (refusal := self._may(operator, run)) is not None:
            return refusal
        if meter == "rows":
            meter = rows_meter(run_id)
        elif meter in OF_MODELS:
            meter = own_meter(MeterKind(meter), run_id)
        elif meter == _calls_meter(run_id):
            meter = CALLS
        known = {CALLS: None} if meter == CALLS else {charge.meter: charge for charge in self._charges(run.agent, chain)}
        if meter not in known or (meter != CALLS and (not is_of_run(meter) or run_of(meter) != run_id)):
            why = f"run {run_id} has no meter `{meter[:120]}` of its own"
            return NotDone(why, f"`ringfence budget show {run_id}` lists them")
        caps: Mapping[str, int | None]
        if meter == CALLS:
            caps, kind = {str(link.run.id): link.limits.calls_per_run for link in chain}, None
        else:
            caps = {charge.meter: charge.cap for charge in known.values() if charge and _same_but_run(charge.meter, meter)}
            kind = MeterKind(meter.partition(":")[0])
        now = self._clock.now()
        entry = Entry(
            kind=EntryKind.CONTROL,
            at=now,
            summary=f"cap raised for run {run_id}: {meter} by {in_units(meter, by)}"[:240],
            run=run_id,
            agent=run.agent,
            decision=RAISE,
            by=f"operator:{operator.name}",
            body={"meter": meter, "by": in_units(meter, by), "reason": reason},
        )
        receipt = await self._store.record(Unit((entry,), (Raise(run_id, kind, by, tuple(caps.items()), now),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        shown = await self.of_run(run_id)
        if isinstance(shown, NotDone):
            return shown
        name = _calls_meter(run_id) if meter == CALLS else meter
        if self._alerts is not None:
            self._alerts.caps.raised(name)
        return Raised(reading=next(reading for reading in shown[1] if reading.meter == name), entry=f"e{receipt.first_seq}")

    def _may(self, operator: Operator, run: Run) -> NotDone | None:
        rule = self._catalogue.rules.agents.get(run.agent)
        if rule is None:
            return NotDone(f"agent {run.agent} is no longer configured")
        if not self._catalogue.rules.is_among(rule.approvers, operator):
            return NotDone(f"{operator.name} is not among the approvers of {run.agent}")
        if rule.separation and run.opened_by == f"operator:{operator.name}":
            return NotDone(f"{operator.name} opened run {run.id}, so somebody else has to raise its caps")
        return None

    async def _chain(self, run_id: RunId) -> tuple[Link, ...] | NotDone:
        run = await self._store.run(run_id)
        if run is None or run.state is not RunState.OPEN:
            return NotDone(f"no run `{run_id[:60]}` is open", "`ringfence run list` shows the open ones")
        runs = [run]
        for ancestor in run.ancestors:
            if (above := await self._store.run(ancestor)) is not None:
                runs.append(above)
        agents = self._catalogue.rules.agents
        limits = {one.id: agents[one.agent].limits if one.agent in agents else Limits(calls_per_run=0) for one in runs}
        now, stops, pauses = self._clock.now(), await self._store.stops(), await self._store.pauses()
        return tuple(
            Link(
                one,
                0,
                limited(limits[one.id], one.grant),
                paused_ms=0 if limits[one.id].counts_pauses else paused_ms(runs[place:], pauses, stops, now),
            )
            for place, one in enumerate(runs)
        )

    def _charges(self, agent: AgentId, chain: tuple[Link, ...]) -> tuple[Charge, ...]:
        view = self._catalogue.view(agent)
        if view is None:
            return ()
        found = {charge.meter: charge for plan in view.plans.values() for charge in meters_of(plan, chain)}
        return tuple(found[meter] for meter in sorted(found))

    async def _metered(self, agent: AgentId, chain: tuple[Link, ...]) -> tuple[Reading, ...]:
        charges = self._charges(agent, chain)
        meters = await self._store.meters([charge.meter for charge in charges])
        now = self._clock.now()
        return tuple(_reading(charge, meter, now) for charge, meter in zip(charges, meters, strict=True))


def _calls_meter(run: RunId) -> str:
    """How the calls of a run are named among its meters."""
    return f"{CALLS}:run/{run}:all"


def _reading(charge: Charge, meter: Meter | None, now: Millis) -> Reading:
    meter = meter or Meter(charge.kind, charge.span)
    return Reading(
        meter=charge.meter,
        kind=charge.kind.value,
        used=used_of(meter, now),
        held=held_of(meter),
        cap=charge.cap + meter.extra,
        added=meter.extra,
        window_s=0 if charge.kind is MeterKind.RATE else charge.span // 1000,
        frees_at=frees_at(meter, now),
    )


def _same_but_run(one: str, other: str) -> bool:
    (kind, _, what), (other_kind, _, other_what) = one.split(":", 2), other.split(":", 2)
    return kind == other_kind and what == other_what
