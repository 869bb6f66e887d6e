"""What one request to a model costs on which meters.

    charges = model_charges(plan, chain, at_most)      reserved with the decision
    actual  = settled_at(charges, used)                settled with the outcome

Whose meters: of a cap without a window, those of the run and of every run above it; of one with a window, its owner's: the
agent's, its team's, everybody's. Rates and numbers of calls of tools do not count requests to models, which have their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ringfence.core.ledger.moves import used_of
from ringfence.core.model.facts import Link
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.meter import OF_MODELS, Charge, Meter, MeterKind
from ringfence.core.model.model_use import NO_MODEL_LIMITS, ModelCap, ModelLimits, ModelUse
from ringfence.core.rules import AgentRule, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlan:
    """What requests of one agent's runs are charged to."""

    caps: tuple[tuple[str, str, ModelCap], ...] = ()
    """Besides what the runs' own limits say: whose meter a window has, what tells it from others on a run's meters, the cap."""
    streams: tuple[tuple[str, int], ...] = ()
    """Who may have how many under way at once."""
    shrinks: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """What is left under the tightest caps. None: no cap."""

    micro: int | None
    tokens: int | None
    tokens_in: int | None
    tokens_out: int | None

    def has(self, use: ModelUse) -> bool:
        """Whether a request fits."""
        pairs = (
            (self.micro, use.micro),
            (self.tokens, use.tokens),
            (self.tokens_in, use.tokens_in),
            (self.tokens_out, use.tokens_out),
        )
        return all(left is None or amount <= left for left, amount in pairs)


def model_plan_of(rules: Rules, agent: AgentRule) -> ModelPlan | None:
    """None where nothing caps what models are asked for."""
    own, all_of_it = agent.limits.model, rules.limits.model
    team = rules.teams.get(agent.team, NO_MODEL_LIMITS)
    owned: tuple[tuple[str, str, ModelLimits], ...] = (
        ("gateway", "gateway/", all_of_it),
        (f"team/{agent.team}", f"team/{agent.team}/", team),
        (f"agent/{agent.id}", "", own),
    )
    # A run's own caps come with each link of its chain, which may be of other agents.
    caps = tuple((owner, scope, cap) for owner, scope, limits in owned for cap in limits.caps if scope or cap.window_ms)
    streams = tuple((owner, limits.streams) for owner, _, limits in owned if limits.streams is not None)
    of_runs = any(not cap.window_ms for known in rules.agents.values() for cap in known.limits.model.caps)
    if not (caps or streams or of_runs):
        return None
    shrinks = next((said for said in (own.shrinks, team.shrinks, all_of_it.shrinks) if said is not None), False)
    return ModelPlan(caps=caps, streams=streams, shrinks=shrinks)


def model_charges(plan: ModelPlan, chain: Sequence[Link], use: ModelUse) -> Iterable[Charge]:
    """The charges of one request, each on a meter of its own."""
    for owner, most in plan.streams:
        yield Charge(f"{MeterKind.STREAMS}:{owner}:all", MeterKind.STREAMS, most, use.calls)
    for owner, scope, cap in plan.caps:
        if cap.window_ms:
            yield _charge(cap, owner, "", use)
        else:
            yield from (_charge(cap, f"run/{link.run.id}", scope, use) for link in chain)
    for link in chain:
        for cap in link.limits.model.caps:
            if not cap.window_ms:
                yield _charge(cap, f"run/{link.run.id}", "", use)


def settled_at(charges: Iterable[Charge], used: ModelUse) -> tuple[tuple[str, int], ...]:
    """What a request turned out to cost, on each meter that held its most: for `Settle.actual`.

    A request is a call whatever came of it, so that number stays.
    """
    return tuple(
        (charge.meter, used.of(charge.kind))
        for charge in charges
        if charge.kind in OF_MODELS and charge.kind is not MeterKind.MODEL_CALLS
    )


def room_of(charges: Sequence[Charge], meters: Sequence[Meter | None], now: Millis) -> Room:
    """What the caps on these meters leave. Never below nothing."""
    least: dict[MeterKind, int] = {}
    for charge, meter in zip(charges, meters, strict=True):
        if charge.kind in OF_MODELS:
            meter = meter or Meter(charge.kind, charge.span)
            left = max(0, charge.cap + meter.extra - used_of(meter, now))
            least[charge.kind] = min(left, least.get(charge.kind, left))
    return Room(
        least.get(MeterKind.SPEND),
        least.get(MeterKind.TOKENS),
        least.get(MeterKind.TOKENS_IN),
        least.get(MeterKind.TOKENS_OUT),
    )


def own_meter(kind: MeterKind, run: str) -> str:
    """The meter of a cap that a run's own agent has on each run."""
    return f"{kind}:run/{run}:all"


def _charge(cap: ModelCap, owner: str, scope: str, use: ModelUse) -> Charge:
    window = f"@{cap.window_ms // 1000}s" if cap.window_ms else ""
    return Charge(f"{cap.kind}:{owner}:{scope}all{window}", cap.kind, cap.cap, use.of(cap.kind), cap.window_ms)
