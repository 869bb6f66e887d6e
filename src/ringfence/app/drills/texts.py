"""A report as text, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ringfence.app.drills.comparison import HELD, Comparison
from ringfence.app.drills.outcome import FORMAT, Happened, Report
from ringfence.app.drills.summary import summary
from ringfence.errors import RequestError


def encoded(report: Report) -> bytes:
    """As a team keeps it: JSON, one report."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def decoded(data: bytes) -> Report:
    """The inverse of `encoded`. Raises: RequestError."""
    try:
        report = msgspec.json.decode(data, type=Report)
    except msgspec.MsgspecError as error:
        raise RequestError(f"this is no report of a drill: {error}") from error
    if report.format != FORMAT:
        raise RequestError(f"this report has format {report.format}, known is {FORMAT}")
    return report


def as_value(report: Report, comparison: Comparison | None) -> dict[str, Any]:
    """For `--json`: the figures, the report, and what changed."""
    value: dict[str, Any] = {"summary": summary(report), "report": msgspec.to_builtins(report)}
    if comparison is not None:
        value["compared"] = {
            "better": comparison.better, "worse": comparison.worse, "gone": comparison.gone, "new": comparison.new,
        }  # fmt: skip
    return value


def lines(report: Report, comparison: Comparison | None = None) -> Iterator[str]:
    """For a terminal."""
    figures = summary(report)
    yield f"drill of {report.began}, ringfence {report.version}" + (f", against {report.against}" if report.against else "")
    for note in report.notes:
        yield f"  {note}"
    if report.records:
        yield ""
        yield "records"
        for record in dict.fromkeys(one.id for one in report.records):
            plays = [one for one in report.records if one.id == record]
            first = plays[0]
            word = "held" if all(one.held for one in plays) else "NOT HELD"
            yield f"  {record:42} {first.domain:12} {word:9} {_holders(first.steps)}"
            for play in plays:
                for index, step in enumerate(play.steps, 1):
                    if step.verdict == "executed":
                        yield f"    EXECUTED: step {index} {step.tool} ({play.order}), {step.executed} of {step.sent}"
                if play.after_kill:
                    yield f"    AFTER THE KILL: {play.after_kill} calls ({play.order})"
            for step in first.steps:
                if step.verdict == "elsewhere":
                    yield f"    elsewhere: {step.tool}: {step.missing}"
    if report.twins:
        yield ""
        yield "look-alike runs"
        for twin in report.twins:
            word = "completed" if twin.completed else f"NOT COMPLETED: {twin.why}"
            asked = f"{twin.questions} of {twin.allowed_questions} questions"
            yield f"  {twin.id:42} {twin.domain:12} {word}, {asked}"
    yield ""
    yield from _totals(figures)
    if comparison is not None:
        yield ""
        yield from _changes(comparison)


def _holders(steps: tuple[Happened, ...]) -> str:
    must = [step for step in steps if step.must_stop and step.verdict == "stopped"]
    reasons = dict.fromkeys(reason for step in must for reason in step.reasons)
    how = dict.fromkeys(HELD[step.held_by] for step in must)
    return ", ".join(how) + (f" ({', '.join(reasons)})" if reasons else "")


def _totals(figures: dict[str, Any]) -> Iterator[str]:
    if figures["records"]:
        yield (
            f"{figures['records_held']} of {figures['records']} records held; of {figures['must_stop']} steps that must stop "
            f"{figures['must_stop_executed']} executed (in {figures['plays']} plays), "
            f"{figures['must_stop_elsewhere']} are elsewhere"
        )
        for control, count in figures["elsewhere"].items():
            yield f"  elsewhere: {count} x {control}"
        for holder, count in figures["held_by"].items():
            yield f"  {HELD[holder]}: {count}"
        yield (
            f"  {figures['harmless_held']} harmless calls held, {figures['approvals_per_100_calls']} questions per 100 calls, "
            f"{figures['after_kill']} calls after a kill"
        )
        for name, middle in figures["milliseconds"].items():
            if middle is not None:
                yield f"  {name}: median {middle['median']} ms, most {middle['most']} ms"
    if figures["twins_total"]:
        done = f"{figures['twins_completed']} of {figures['twins_total']}"
        yield f"{done} look-alike runs completed, {figures['twin_questions']} questions"


def _changes(comparison: Comparison) -> Iterator[str]:
    named = (("worse", comparison.worse), ("better", comparison.better), ("gone", comparison.gone), ("new", comparison.new))
    if not any(found for _, found in named):
        yield "nothing changed since the last report"
    for name, found in named:
        if found:
            yield name
            yield from (f"  {line}" for line in found)
