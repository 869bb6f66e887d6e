"""What people are told without asking. A sentence and a link, never arguments."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ringfence.core.ledger import reserve, used_of
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.guards import Guard, Sign
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.stop import Stop
from ringfence.core.model.ticket import Ticket
from ringfence.core.running_out import RanOut
from ringfence.core.scan.redactor import Redactor
from ringfence.core.shortfall import in_units
from ringfence.engine.ids import Ids
from ringfence.engine.outcome import Refused
from ringfence.ports.clock import Clock
from ringfence.ports.notifier import Alert, AlertKind, Notifier

MOST_TOLD = 20_000


@dataclass(frozen=True, slots=True)
class CapNear:
    """A meter that was used, before and after."""

    meter: str
    before: int
    after: int
    cap: int
    agent: AgentId
    run: RunId
    span: int = 0


class Alerts:
    """Builds alerts and hands them to the notifier."""

    def __init__(self, notifier: Notifier, ids: Ids, clock: Clock, redactor: Redactor | None = None) -> None:
        self._notifier = notifier
        self._redactor = redactor if redactor is not None else Redactor()
        self._ids = ids
        self._clock = clock
        self._told: dict[str, None] = {}
        """Steps of caps that were told, oldest first: one that is passed again after something was given back is no news."""

    def approval_waiting(self, ticket: Ticket) -> None:
        text = f"agent {ticket.agent} waits for a person: {ticket.tool}"
        self._send(
            AlertKind.APPROVAL_WAITING,
            text,
            f"/approvals/{ticket.id}",
            key=ticket.id,
            agent=ticket.agent,
            run=ticket.run,
            tool=ticket.tool,
        )

    def large_action_blocked(self, call: Call, refused: Refused) -> None:
        text = f"a large action of agent {call.agent} was blocked: {call.tool} ({refused.code.value})"
        self._send(
            AlertKind.LARGE_ACTION_BLOCKED, text, f"/audit/{refused.entry}", agent=call.agent, run=call.run, tool=call.tool
        )

    def stopped(self, stop: Stop) -> None:
        text = f"{stop.mode.value} of {stop.scope} by {stop.by}"
        self._send(AlertKind.KILL, text, f"/stops/{stop.id}", key=stop.id)

    def caps(self, facts: Facts, at_percent: tuple[int, ...], *, counts: bool = True) -> None:
        """Tell once per cap, step and window when a call that was just allowed brings a cap nearer. `counts`: it is one of the
        runs' calls.

        It follows from what was used before and after, so a restart neither forgets a step nor tells it again.
        """
        for link in facts.chain if counts else ():
            cap = link.limits.calls_per_run
            if cap is not None:
                used, cap = link.calls_used, cap + link.calls_added
                near = CapNear(f"calls:run/{link.run.id}:all", used, used + 1, cap, link.run.agent, link.run.id)
                self.cap_near(near, at_percent, facts.now)
        run = facts.chain[0].run
        for charge, meter in zip(facts.charges, facts.meters, strict=True):
            if charge.kind in (MeterKind.SUM, MeterKind.DISTINCT, MeterKind.LEAVING, MeterKind.ACTIONS):
                before = used_of(meter, facts.now) if meter is not None else 0
                after = used_of(reserve(meter, charge, facts.now)[0], facts.now)
                cap = charge.cap + (meter.extra if meter is not None else 0)
                near = CapNear(charge.meter, before, after, cap, run.agent, run.id, charge.span)
                self.cap_near(near, at_percent, facts.now)

    def cap_near(self, near: CapNear, at_percent: tuple[int, ...], now: Millis) -> None:
        """Tell the highest step between what was used before and after."""
        passed = [percent for percent in at_percent if near.before * 100 < near.cap * percent <= near.after * 100]
        if not passed:
            return
        told = f"{near.meter}:{passed[-1]}:{now // near.span if near.span else 0}"
        if told in self._told:
            return
        self._note(told)
        used, cap = in_units(near.meter, near.after), in_units(near.meter, near.cap)
        text = f"{passed[-1]} % of a cap: {near.meter} has used {used} of {cap}"
        self._send(AlertKind.CAP_NEAR, text, f"/runs/{near.run}", key=told, agent=near.agent, run=near.run)

    def ran_out(self, out: RanOut, call: Call, entry: str, now: Millis) -> None:
        """A cap on models does not bear a request, which was refused. Told once for each cap, and again in its next window."""
        told = f"{out.meter}:{out.cap}:out:{now // out.window_ms if out.window_ms else 0}"
        if out.kind is MeterKind.STREAMS or told in self._told:
            return
        self._note(told)
        text = f"a cap does not bear what agent {call.agent} asks of models: {out.meter} of {in_units(out.meter, out.cap)}"
        self._send(AlertKind.CAP_NEAR, text, f"/audit/{entry}", key=told, agent=call.agent, run=call.run)

    def guarded(self, sign: Sign, *, agent: str, run: str) -> None:
        """A run goes in circles, or its tree spends far faster than before. More of it pauses the run."""
        kind = AlertKind.BURN_RATE if sign.guard is Guard.BURN else AlertKind.LOOPING
        text = f"run {run} of agent {agent} may be paused soon ({sign.guard.value}): {sign.why}"
        self._send(kind, text, f"/runs/{run}", agent=agent, run=run)

    def drift(self, server: str, what: Sequence[str], *, key: str) -> None:
        """Something of a server is quarantined. `what` has names in words; the same `key` is the same alert."""
        more = f" and {len(what) - 5} more" if len(what) > 5 else ""
        text = f"quarantined until an admin has looked: {', '.join(what[:5])}{more}"
        self._send(AlertKind.DRIFT, text, f"/servers/{server}", key=key)

    def left_out(self, server: str, what: Sequence[str]) -> None:
        """Some of a server's lists is missing, because it cannot be shown. Nothing of the server's own words is in it."""
        text = f"server {server} lists what cannot be shown, so that is left out ({len(what)} kinds); its other tools work"
        key = f"{server}:{hashlib.sha256(chr(10).join(what).encode()).hexdigest()[:16]}"
        self._send(AlertKind.DRIFT, text, f"/servers/{server}", key=key)

    def suspicious(self, call: Call, text: str, entry: str, *, key: str) -> None:
        """The scan has found something in what a server said. `text` has no words of it."""
        kind, path = AlertKind.SUSPICIOUS_RESULT, f"/audit/{entry}"
        self._send(kind, text, path, key=key, agent=call.agent, run=call.run, tool=call.tool)

    def label_lowered(self, what: str, by: str, entry: str, *, agent: str, run: str) -> None:
        """An operator answers for what a run or a place was given."""
        self._send(AlertKind.LABEL_LOWERED, f"{what} by {by}", f"/audit/{entry}", key=entry, agent=agent, run=run)

    def handoff_refused(self, call: Call, refused: Refused) -> None:
        """A run tried to hand over, or to take, what it may not. Why is in the entry."""
        text = f"a handoff of run {call.run} of agent {call.agent} was refused"
        kind, path = AlertKind.HANDOFF_REFUSED, f"/audit/{refused.entry}"
        self._send(kind, text, path, key=f"{call.run}:{call.digest}", agent=call.agent, run=call.run, tool=call.tool)

    def store_degraded(self, why: str) -> None:
        self._send(AlertKind.STORE_DEGRADED, f"nothing can be recorded, so sends are denied: {why}", "/")

    def config_rejected(self, why: str) -> None:
        first = why.splitlines()[0] if why else "unreadable"
        self._send(AlertKind.CONFIG_REJECTED, f"the changed configuration was refused, the last good one stays: {first}", "/")

    def log_disputed(self, why: str) -> None:
        self._send(AlertKind.LOG_DISPUTED, f"the audit log is disputed: {why}", "/")

    def _note(self, told: str) -> None:
        self._told[told] = None
        if len(self._told) > MOST_TOLD:
            del self._told[next(iter(self._told))]

    def forget(self, run: RunId) -> None:
        """A run has ended."""
        for told in [told for told in self._told if f":run/{run}:" in told]:
            del self._told[told]

    def _send(
        self, kind: AlertKind, text: str, path: str, *, key: str = "", agent: str = "", run: str = "", tool: str = ""
    ) -> None:
        alert_id = f"{kind.value}:{key}" if key else self._ids.alert()
        text = self._redactor.text(text)
        self._notifier.notify(
            Alert(id=alert_id, kind=kind, at=self._clock.now(), text=text, path=path, agent=agent, run=run, tool=tool)
        )
