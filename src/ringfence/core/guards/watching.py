"""One run, or one tree of runs, as all guards see it: what it did, and what they make of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.guards.alike import alike
from ringfence.core.guards.burn import Spending, burn, burned
from ringfence.core.guards.calm import Calm, calmed
from ringfence.core.guards.failing import Failures, failing, failures_of, recovered
from ringfence.core.guards.identical import identical
from ringfence.core.guards.no_progress import no_progress
from ringfence.core.guards.ping_pong import ping_pong
from ringfence.core.guards.repetition import Repetition, count_of, rested
from ringfence.core.ledger.shortfall import as_amount
from ringfence.core.model.deed import Deed, DeedKind
from ringfence.core.model.guards import Guard, GuardRules, Repeats, Sign, SignStep
from ringfence.core.model.identifiers import Millis

_NOTHING: Final = Repetition()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is known of a run, in memory. A new one knows nothing, which is what an operator who lets a run go on gives it."""

    calm: Calm = Calm()
    identical: Repetition = _NOTHING
    alike: Repetition = _NOTHING
    no_progress: Repetition = _NOTHING
    failures: Failures = Failures()
    waited: bool = False
    """The last call was of a tool that is asked again and again: a model that looks at its answer waits too."""
    warned: frozenset[Guard] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeWatch:
    """What is known of a tree of runs."""

    calm: Calm = Calm()
    ping_pong: Repetition = _NOTHING
    spending: Spending = Spending()
    warned: frozenset[Guard] = frozenset()


def watched(watch: Watch, deed: Deed, rules: GuardRules) -> tuple[Watch, tuple[Sign, ...]]:
    """A run after one more deed, and what is to be told of it now."""
    calm = calmed(watch.calm, deed)
    at = calm.now
    if deed.kind is DeedKind.MODEL and watch.waited:
        deed = replace(deed, waits=True)
    signs: list[Sign | None] = []
    rest = at - watch.calm.now
    new = replace(watch, calm=calm, waited=deed.waits)
    if (rule := rules.identical) is not None:
        before = _after(rest, watch.identical, rule)
        new = replace(new, identical=identical(before, deed, at, rule))
        what = f"calls in a row that brought nothing new, the last of {deed.what}"
        signs.append(_row(Guard.IDENTICAL, before, new.identical, at, rule, what))
    if (rule := rules.alike) is not None:
        before = _after(rest, watch.alike, rule)
        new = replace(new, alike=alike(before, deed, at, rule))
        what = f"calls in a row of {deed.what} that differ only in counters or times, with known results"
        signs.append(_row(Guard.ALIKE, before, new.alike, at, rule, what))
    if (rule := rules.no_progress) is not None:
        before = _after(rest, watch.no_progress, rule)
        new = replace(new, no_progress=no_progress(before, deed, at, rule))
        what = "requests in a row in which a model was given what it knew and answered what it had answered"
        signs.append(_row(Guard.NO_PROGRESS, before, new.no_progress, at, rule, what))
    if (rule := rules.failing) is not None:
        failures = watch.failures if rest < rule.spacing_ms else recovered(watch.failures)
        new = replace(new, failures=failing(failures, deed, at, rule))
        if deed.failed:
            count = failures_of(new.failures, deed.what, at, rule.spacing_ms)
            signs.append(_sign(Guard.FAILING, count, rule.warn, rule.pause, f"calls in a row of {deed.what} that failed"))
    told, warned = _told(signs, watch.warned, _calmed_down(new, at, rules))
    return replace(new, warned=warned), told


def tree_watched(watch: TreeWatch, deed: Deed, rules: GuardRules) -> tuple[TreeWatch, tuple[Sign, ...]]:
    """A tree after one more deed of one of its runs, and what is to be told of it now."""
    calm = calmed(watch.calm, deed)
    new = replace(watch, calm=calm)
    signs: list[Sign | None] = []
    over: set[Guard] = set()
    if (rule := rules.ping_pong) is not None:
        before = _after(calm.now - watch.calm.now, watch.ping_pong, rule)
        new = replace(new, ping_pong=ping_pong(before, deed, calm.now, rule))
        what = "times in a row that work was handed between runs without anything new"
        signs.append(_row(Guard.PING_PONG, before, new.ping_pong, calm.now, rule, what))
        if not count_of(new.ping_pong, calm.now, rule.spacing_ms):
            over.add(Guard.PING_PONG)
    if (burning := rules.burn) is not None and deed.micro > 0:
        new = replace(new, spending=burned(watch.spending, deed.micro, deed.ended))
        times = burn(new.spending, burning)
        spent = as_amount(new.spending.minutes[-1][1])
        what = f"times what a minute has cost so far ({spent} in this one)"
        signs.append(_sign(Guard.BURN, times, burning.warn, burning.pause, what))
        if times < burning.warn:
            over.add(Guard.BURN)
    told, warned = _told(signs, watch.warned, over)
    return replace(new, warned=warned), told


def _after(rest: Millis, known: Repetition, rule: Repeats) -> Repetition:
    """A row that a rest has ended, or that goes on."""
    return known if rest < rule.spacing_ms else rested(known)


def _row(guard: Guard, before: Repetition, after: Repetition, at: Millis, rule: Repeats, what: str) -> Sign | None:
    if after is before:
        return None
    return _sign(guard, count_of(after, at, rule.spacing_ms), rule.warn, rule.pause, what)


def _sign(guard: Guard, count: int, warn: int, pause: int, what: str) -> Sign | None:
    if count < min(warn, pause):
        return None
    return Sign(guard, SignStep.PAUSE if count >= pause else SignStep.WARN, count, f"{count} {what}")


def _calmed_down(watch: Watch, at: Millis, rules: GuardRules) -> set[Guard]:
    """Guards that have nothing to speak of any more, so that the next row is warned of anew."""
    rows = (
        (Guard.IDENTICAL, watch.identical, rules.identical),
        (Guard.ALIKE, watch.alike, rules.alike),
        (Guard.NO_PROGRESS, watch.no_progress, rules.no_progress),
    )
    over = {guard for guard, known, rule in rows if rule is None or not count_of(known, at, rule.spacing_ms)}
    return over if watch.failures.until else over | {Guard.FAILING}


def _told(signs: list[Sign | None], warned: frozenset[Guard], over: set[Guard]) -> tuple[tuple[Sign, ...], frozenset[Guard]]:
    """What is new to people: each row is warned of once."""
    found = [sign for sign in signs if sign is not None]
    news = tuple(sign for sign in found if sign.step is SignStep.PAUSE or sign.guard not in warned)
    return news, frozenset((warned - over) | {sign.guard for sign in found})
