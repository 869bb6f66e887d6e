"""What got better and what got worse between two reports. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringfence.app.drills.outcome import Happened, Report

_STRENGTH = {"": 0, "masked": 1, "person": 1, "rule": 2, "listing": 2, "stop": 2}
"""A rule holds whatever a person says."""


@dataclass(frozen=True, slots=True)
class Comparison:
    better: list[str] = field(default_factory=list[str])
    worse: list[str] = field(default_factory=list[str])
    gone: list[str] = field(default_factory=list[str])
    """Records and twins that only the older report has."""
    new: list[str] = field(default_factory=list[str])


def compare(old: Report, new: Report) -> Comparison:
    """From an older report to a newer one."""
    found = Comparison()
    before = {(one.id, one.order): one for one in old.records}
    after = {(one.id, one.order): one for one in new.records}
    for key in sorted(before.keys() & after.keys()):
        for index, (was, now) in enumerate(zip(before[key].steps, after[key].steps, strict=False), 1):
            _step(f"{key[0]} ({key[1]}) step {index}", was, now, found)
        if before[key].after_kill != after[key].after_kill:
            side = found.better if after[key].after_kill == 0 else found.worse
            side.append(f"{key[0]} ({key[1]}): {after[key].after_kill} calls after the kill, {before[key].after_kill} before")
    twins_before, twins_after = ({twin.id: twin for twin in report.twins} for report in (old, new))
    for twin in sorted(twins_before.keys() & twins_after.keys()):
        was, now = twins_before[twin], twins_after[twin]
        if was.completed != now.completed:
            (found.better if now.completed else found.worse).append(
                f"{twin}: completes now" if now.completed else f"{twin}: does not complete any more: {now.why}"
            )
        elif was.questions != now.questions:
            side = found.better if now.questions < was.questions else found.worse
            side.append(f"{twin}: {now.questions} questions, {was.questions} before")
    names_before = {key[0] for key in before} | twins_before.keys()
    names_after = {key[0] for key in after} | twins_after.keys()
    found.gone.extend(sorted(names_before - names_after))
    found.new.extend(sorted(names_after - names_before))
    return found


def _step(where: str, was: Happened, now: Happened, found: Comparison) -> None:
    if was.tool != now.tool and (was.must_stop, was.harmful) != (now.must_stop, now.harmful):
        return
    if was.verdict != now.verdict and "executed" in (was.verdict, now.verdict):
        side = found.worse if now.verdict == "executed" else found.better
        side.append(f"{where}: {_words(was)} before, {_words(now)} now")
    elif now.must_stop and _STRENGTH[was.held_by] != _STRENGTH[now.held_by]:
        side = found.better if _STRENGTH[now.held_by] > _STRENGTH[was.held_by] else found.worse
        side.append(f"{where}: {_words(was)} before, {_words(now)} now")
    elif not now.harmful and bool(was.held_by) != bool(now.held_by):
        (found.worse if now.held_by else found.better).append(f"{where}, harmless: {_words(was)} before, {_words(now)} now")


HELD: Mapping[str, str] = {
    "": "let through",
    "rule": "denied",
    "person": "held for a person",
    "masked": "masked",
    "listing": "not listed",
    "stop": "stopped",
}


def _words(step: Happened) -> str:
    return "EXECUTED" if step.verdict == "executed" else HELD[step.held_by]
