"""The ledger's three moves on one meter, and what they are refused for. Pure values: `now` is an argument.

    reserve   before the call: what it may cost is held
    settle    it was sent, or nobody can know that it was not: what it cost is spent
    release   it was provably not sent: what it held is given back, exactly

INVARIANT (I7): spent + held <= cap after every `reserve` for which `refusal` was None. Rows are priced afterwards: there the
cap may be passed by what the calls under way bring more than they held. What a request to a model costs is known afterwards
too, but never more than it held, so that there the cap stands.

Windows slide. What was spent is kept in parts of a 24th of the window and a whole part counts until all of it has left, so a
cap holds over every span of the window's length. A clock that goes back frees nothing: a meter's time never falls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ringfence.core.model.identifiers import Millis
from ringfence.core.model.meter import OF_VALUES, Charge, Meter, MeterKind

PARTS = 24


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why a meter does not bear a charge."""

    used: int
    """Held and spent."""
    cap: int
    """With what an operator has added."""
    frees_at: Millis | None
    """When the oldest part of it is free again; None: not by itself."""


def refusal(meter: Meter | None, charge: Charge, now: Millis) -> Shortfall | None:
    """Whether the charge would pass the cap."""
    if meter is None:
        meter = Meter(charge.kind, charge.span)
    cap = charge.cap + meter.extra
    used = used_of(meter, now)
    match charge.kind:
        case MeterKind.RATE:
            now_us = max(meter.at, now) * 1000
            over = max(meter.passed, now_us) + charge.span - now_us - charge.span * cap
            if over > 0:
                waiting = -(-(max(meter.passed, now_us) - now_us) // charge.span)
                return Shortfall(waiting, cap, -(-(now_us + over) // 1000))
            return None
        case MeterKind.DISTINCT | MeterKind.FILES:
            fits = used + _new_values(meter, charge, now) <= cap
        case MeterKind.ROWS:
            fits = used + charge.amount <= cap and used < cap
        case _:
            fits = used + charge.amount <= cap
    return None if fits else Shortfall(used, cap, frees_at(meter, now))


def reserve(meter: Meter | None, charge: Charge, now: Millis) -> tuple[Meter, Charge]:
    """The meter with the charge held, and the charge as it has to be given to `settle` or `release`."""
    if meter is None:
        meter = Meter(charge.kind, charge.span)
    at = max(meter.at, now)
    match charge.kind:
        case MeterKind.RATE:
            finish = max(meter.passed, at * 1000) + charge.span
            return replace(meter, at=at, span=charge.span, passed=finish), replace(charge, finish=finish)
        case MeterKind.DISTINCT | MeterKind.FILES:
            values = {value: known for value, known in meter.values.items() if _is_live(known, meter.span, at)}
            for value in charge.values:
                held, last = values.get(value, (0, -1))
                values[value] = (held + 1, last)
            return replace(meter, at=at, values=values), charge
        case _:
            return _moved(meter, at, charge.amount, _live_parts(meter, at)), charge


def settle(meter: Meter, charge: Charge, now: Millis, actual: int | None = None) -> Meter:
    """The meter with what was held spent: `actual` where the price is known only now."""
    at = max(meter.at, now)
    match charge.kind:
        case MeterKind.RATE:
            return replace(meter, at=at)
        case MeterKind.OPEN | MeterKind.STREAMS:
            return replace(meter, at=at, held=meter.held - charge.amount)
        case MeterKind.DISTINCT | MeterKind.FILES:
            return replace(meter, at=at, values=_let_go(meter, charge, lambda last: max(last, at)))
        case _:
            cost = charge.amount if actual is None else actual
            parts = _with(_live_parts(meter, at), _start(meter.span, at), cost)
            return _moved(meter, at, -charge.amount, parts)


def release(meter: Meter, charge: Charge, now: Millis) -> Meter:
    """The meter without what was held.

    On a rate only what has not passed by itself comes back: never more than if the call had not been.
    """
    at = max(meter.at, now)
    match charge.kind:
        case MeterKind.RATE:
            back = min(max(charge.finish - at * 1000, 0), charge.span)
            return replace(meter, at=at, passed=meter.passed - back)
        case MeterKind.DISTINCT | MeterKind.FILES:
            return replace(meter, at=at, values=_let_go(meter, charge, lambda last: last))
        case _:
            return replace(meter, at=at, held=meter.held - charge.amount)


def used_of(meter: Meter, now: Millis) -> int:
    """Held and spent: calls at once of a rate, values of what is distinct, else amounts."""
    at = max(meter.at, now)
    match meter.kind:
        case MeterKind.RATE:
            return max(0, -(-(meter.passed - at * 1000) // meter.span)) if meter.span else 0
        case MeterKind.DISTINCT | MeterKind.FILES:
            return sum(_is_live(known, meter.span, at) for known in meter.values.values())
        case _:
            return meter.held + sum(amount for _, amount in _live_parts(meter, at))


def held_of(meter: Meter) -> int:
    """What calls under way hold, a value once for each of them. A rate holds nothing: time alone frees it."""
    if meter.kind in OF_VALUES:
        return sum(held for held, _ in meter.values.values())
    return meter.held


def frees_at(meter: Meter, now: Millis) -> Millis | None:
    """When something is free again by itself; None: never, or only when a call under way ends."""
    at = max(meter.at, now)
    if meter.kind is MeterKind.RATE:
        return -(-meter.passed // 1000) if meter.passed > at * 1000 else None
    if not meter.span:
        return None
    if meter.kind in OF_VALUES:
        ends = [last + meter.span for held, last in meter.values.values() if not held and last + meter.span > at]
        return min(ends, default=None)
    parts = _live_parts(meter, at)
    return parts[0][0] + _step(meter.span) + meter.span if parts else None


def freed_by(meter: Meter, now: Millis, then: Millis) -> int:
    """What of what is spent now will have left the window by then. Of rates and of what is distinct nothing is said."""
    if not meter.span or meter.kind is MeterKind.RATE or meter.kind in OF_VALUES:
        return 0
    at = max(meter.at, now)
    return sum(amount for _, amount in _live_parts(meter, at)) - sum(amount for _, amount in _live_parts(meter, max(at, then)))


def is_idle(meter: Meter, now: Millis) -> bool:
    """Whether it says no more than a new one would, so that nothing has to be kept of it.

    What lives as long as a run is never idle: it goes with the run.
    """
    if meter.extra or meter.held:
        return False
    match meter.kind:
        case MeterKind.RATE:
            return meter.passed <= max(meter.at, now) * 1000
        case MeterKind.OPEN | MeterKind.STREAMS:
            return True
        case _:
            return bool(meter.span) and used_of(meter, now) == 0


def is_of_run(key: str) -> bool:
    """Whether a meter lives as long as a run."""
    return key.split(":", 2)[1].startswith("run/")


def run_of(key: str) -> str:
    """The run of such a meter."""
    return key.split(":", 2)[1].removeprefix("run/")


def _moved(meter: Meter, at: Millis, by: int, parts: tuple[tuple[Millis, int], ...]) -> Meter:
    """The meter with so much more held. Written out: `replace` takes three times as long, and this is every call's."""
    return Meter(meter.kind, meter.span, at, meter.held + by, meter.extra, meter.passed, parts, meter.values)


def _step(span: int) -> int:
    return max(1, -(-span // PARTS))


def _start(span: int, at: Millis) -> Millis:
    return at - at % _step(span) if span else 0


def _live_parts(meter: Meter, at: Millis) -> tuple[tuple[Millis, int], ...]:
    if not meter.span:
        return meter.parts
    kept_for = _step(meter.span) + meter.span
    if not meter.parts or meter.parts[0][0] + kept_for > at:
        return meter.parts
    return tuple(part for part in meter.parts if part[0] + kept_for > at)


def _with(parts: tuple[tuple[Millis, int], ...], start: Millis, amount: int) -> tuple[tuple[Millis, int], ...]:
    if amount == 0:
        return parts
    if parts and parts[-1][0] == start:
        return (*parts[:-1], (start, parts[-1][1] + amount))
    return (*parts, (start, amount))


def _is_live(known: tuple[int, Millis], span: int, at: Millis) -> bool:
    held, last = known
    return held > 0 or (last >= 0 and (not span or last + span > at))


def _new_values(meter: Meter, charge: Charge, now: Millis) -> int:
    at = max(meter.at, now)
    known = meter.values
    return sum(value not in known or not _is_live(known[value], meter.span, at) for value in charge.values)


def _let_go(meter: Meter, charge: Charge, last_spent: Callable[[Millis], Millis]) -> dict[str, tuple[int, Millis]]:
    values = dict(meter.values)
    for value in charge.values:
        held, last = values[value]
        held, last = held - 1, last_spent(last)
        if held or last >= 0:
            values[value] = (held, last)
        else:
            del values[value]
    return values
