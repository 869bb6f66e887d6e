"""What a request to a model ran out of, for the answer to it: which cap, whose, for how long, and who can raise it.

Unlike the class of any other refusal this is told to the agent's client, so that it stops instead of trying again, and says to
its user whom to ask. It names no other agent and no amount that others have used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.ledger.moves import is_of_run, refusal, run_of
from ringfence.core.ledger.raising import raise_option
from ringfence.core.ledger.shortfall import in_units
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.meter import Charge, Meter, MeterKind
from ringfence.core.model.model_use import ModelUse

_NAMES: Final = {
    MeterKind.SPEND: "spend",
    MeterKind.TOKENS: "tokens",
    MeterKind.TOKENS_IN: "tokens taken in",
    MeterKind.TOKENS_OUT: "tokens given out",
    MeterKind.MODEL_CALLS: "model calls",
    MeterKind.STREAMS: "model calls",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RanOut:
    """One cap that does not bear a request."""

    kind: MeterKind
    meter: str
    cap: int
    """Of a spend in micro-units. With what an operator has added."""
    window_ms: int
    """0: of a run, or no window at all."""
    frees_at: Millis | None
    """When something is free again by itself; None: not by itself, or only when a request under way ends."""
    need: int = 0
    """The most that the request can use of it."""
    likely: int | None = None
    """What it will probably use of it; None: nobody knows."""

    @property
    def ends_by_itself(self) -> bool:
        """Whether it is worth trying again later: a window passes, a stream ends."""
        return self.kind is MeterKind.STREAMS or self.window_ms > 0


def ran_out(charges: Sequence[Charge], meters: Sequence[Meter | None], now: Millis) -> RanOut | None:
    """The cap that a request would pass; of several the one that is free again last. None: it passes none of a model's."""
    found: list[RanOut] = []
    for charge, meter in zip(charges, meters, strict=True):
        if charge.kind in _NAMES and (short := refusal(meter, charge, now)) is not None:
            found.append(
                RanOut(
                    kind=charge.kind,
                    meter=charge.meter,
                    cap=short.cap,
                    window_ms=charge.span,
                    frees_at=short.frees_at,
                    need=charge.amount,
                )
            )
    return max(found, key=_lasts, default=None)


def with_likely(out: RanOut, use: ModelUse | None) -> RanOut:
    """With what the request will probably use, where that is known."""
    return out if use is None else replace(out, likely=use.of(out.kind))


def said_to_client(out: RanOut, agent: AgentId, run: RunId) -> str:
    """What ran out and who can raise it, in a sentence or two."""
    name, cap = _NAMES[out.kind], in_units(out.meter, out.cap)
    owner = out.meter.split(":", 2)[1]
    if out.kind is MeterKind.STREAMS:
        return f"{cap} {name} at once are allowed; wait until one has ended"
    if is_of_run(out.meter):
        whose = "this run" if owner == f"run/{run}" else "a run above this one"
        who = f"An approver of agent {agent} can raise it: ringfence budget raise {run_of(out.meter)} {raise_option(out.meter)}"
        return f"the cap on {name} of {whose} ({cap}) does not bear this request{_needs(out)}. {who}"
    whose = {"agent": f"agent {agent}", "team": "the agent's team"}.get(owner.partition("/")[0], "this gateway")
    return (
        f"the cap on {name} of {whose} ({cap} in {_span(out.window_ms)}) does not bear this request{_needs(out)}. "
        "It frees with time; whoever configures the gateway can raise it"
    )


def _needs(out: RanOut) -> str:
    """How much it is about: who raises a cap, or asks for a shorter answer, has to know."""
    if out.kind not in (MeterKind.SPEND, MeterKind.TOKENS, MeterKind.TOKENS_IN, MeterKind.TOKENS_OUT):
        return ""
    probably = "" if out.likely is None else f" (probably {in_units(out.meter, out.likely)})"
    return f", which can use {in_units(out.meter, out.need)}{probably}"


def _lasts(out: RanOut) -> tuple[bool, bool, Millis]:
    return (not out.ends_by_itself, out.kind is not MeterKind.STREAMS, out.frees_at or 0)


def _span(window_ms: int) -> str:
    for unit, length in (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000)):
        if window_ms % length == 0:
            count = window_ms // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{window_ms // 1000} seconds"
