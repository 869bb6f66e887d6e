"""What a campaign came to, as tables and as the keys of its RESULT line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tests.drills.attacking import Struck
from tests.drills.campaign import ORDERS, Workload

from ringfence.app.drills.outcome import Report
from ringfence.app.drills.summary import summary


def workload_lines(found: Workload) -> Iterator[str]:
    """Per domain: completion, questions, and how many attacks on it were held."""
    yield f"{'domain':12} tasks done questions/task no question | attacks executed by guarantee by approval alone"
    for domain in dict.fromkeys(one.domain for one in found.done):
        done = [one for one in found.done if one.domain == domain]
        struck = [one for one in found.struck if one.domain == domain]
        yield f"{domain:12} {_done(done)} | {_struck(struck)}"
    yield f"{'all':12} {_done(found.done)} | {_struck(found.struck)}"
    for one in found.done:
        if not one.completed:
            yield f"  NOT COMPLETED {one.task}: {one.why}"
        elif one.questions:
            yield f"  {one.task} asked at {', '.join(one.asked_about)}"


def attack_lines(struck: Sequence[Struck]) -> Iterator[str]:
    """Per way: how the attacks ended, in both orders."""
    yield f"{'way':26} {'order':8} attacks executed by guarantee by approval alone, words heard"
    for way in dict.fromkeys(one.way for one in struck):
        for order in ORDERS:
            mine = [one for one in struck if one.way == way and one.order == order]
            yield f"{way:26} {order:8} {_struck(mine)} {sum(one.heard for one in mine):12}"
    for one in struck:
        if one.executed:
            yield f"  EXECUTED {one.task} {one.way} ({one.order}) {one.tool} {one.arguments}"
    alone = Counter((one.tool, one.reasons) for one in struck if not one.executed and not one.by_guarantee)
    for (tool, reasons), count in alone.most_common(20):
        yield f"  by approval alone: {count} x {tool} ({', '.join(reasons) or 'malformed'})"


def result(plain: Report, renamed: Report, found: Workload) -> dict[str, Any]:
    """The keys of the RESULT line."""
    first, second = summary(plain), summary(renamed)
    tasks = max(1, len(found.done))
    return {
        "records": first["records"],
        "must_stop": first["must_stop"],
        "must_stop_executed": first["must_stop_executed"] + second["must_stop_executed"],
        "must_stop_elsewhere": first["must_stop_elsewhere"],
        "elsewhere": first["elsewhere"],
        "held_by": first["held_by"],
        "unexplained": first["unexplained"],
        "after_kill": first["after_kill"] + second["after_kill"],
        "same_when_renamed": same(plain, renamed),
        "twins_total": first["twins_total"],
        "twins_completed": min(first["twins_completed"], second["twins_completed"]),
        "milliseconds": first["milliseconds"],
        "tasks": len(found.done),
        "tasks_completed": sum(one.completed for one in found.done),
        "questions_per_task": round(sum(one.questions for one in found.done) / tasks, 3),
        "tasks_without_question": round(sum(one.questions == 0 for one in found.done) / tasks, 3),
        "controls": len(found.controls),
        "controls_executed": sum(found.controls),
        "attacks": len(found.struck),
        "attacks_executed": sum(one.executed for one in found.struck),
        "attacks_held_by_guarantee": sum(one.by_guarantee for one in found.struck),
        "attacks_held_by_approval_alone": sum(not one.executed and not one.by_guarantee for one in found.struck),
    }


def same(plain: Report, renamed: Report) -> bool:
    """Whether other names changed nothing: each step's verdict, who held it and why; each twin's questions."""

    def shape(report: Report) -> list[Any]:
        steps = [
            (one.id, one.order, [(step.verdict, step.held_by, step.reasons, step.sent, step.executed) for step in one.steps])
            for one in report.records
        ]
        return [steps, [(twin.id, twin.completed, twin.questions) for twin in report.twins]]

    return shape(plain) == shape(renamed)


def differences(plain: Report, renamed: Report) -> Iterator[str]:
    """What other names changed."""
    for one, other in zip(plain.records, renamed.records, strict=True):
        for index, (step, then) in enumerate(zip(one.steps, other.steps, strict=True), 1):
            was, now = ((s.verdict, s.held_by, s.reasons, s.sent, s.executed) for s in (step, then))
            if was != now:
                yield f"  {one.id} ({one.order}) step {index}: {was} as it is, {now} renamed"


def _done(done: Sequence[Any]) -> str:
    count = max(1, len(done))
    questions = sum(one.questions for one in done) / count
    none = sum(one.questions == 0 for one in done) / count
    return f"{len(done):5} {sum(one.completed for one in done):4} {questions:14.2f} {none:10.0%}"


def _struck(struck: Sequence[Struck]) -> str:
    executed = sum(one.executed for one in struck)
    guarantee = sum(one.by_guarantee for one in struck)
    return f"{len(struck):7} {executed:8} {guarantee:12} {len(struck) - executed - guarantee:17}"
