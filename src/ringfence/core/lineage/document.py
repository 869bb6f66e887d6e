"""A timeline as JSON: what the API answers, what `--json` prints, and what every drawing is made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ringfence.core.lineage.events import GIVING, Event, EventKind, Timeline
from ringfence.core.lineage.telling import came_from, clock, summary
from ringfence.core.model.label import Label

VERSION: Final = 1


def document(timeline: Timeline) -> dict[str, Any]:
    """Plain values. Every text in it is one plain line; foreign values are not in it, only where they came from."""
    return {
        "v": VERSION,
        "run": timeline.run,
        "runs": list(timeline.runs),
        "agent": timeline.agent,
        "began": timeline.events[0].at if timeline.events else None,
        "task": timeline.task,
        "task_by": timeline.task_by or None,
        "summary": list(summary(timeline)),
        "inherited": timeline.inherited.view(),
        "first_untrusted": timeline.first_untrusted,
        "first_confidential": timeline.first_confidential,
        "events": list(_events(timeline)),
        "edges": [edge.view() for edge in timeline.edges],
        "acts": [act.view() for act in timeline.acts],
        "left_out": timeline.left_out,
    }


def _events(timeline: Timeline) -> Iterator[dict[str, Any]]:
    """Each with the label that its run has after it, so that a drawing need not work it out."""
    now: dict[str, Label] = {}
    for event in timeline.events:
        run = event.run or timeline.run
        now[run] = _after(event, now.get(run, timeline.inherited))
        yield {
            **event.view(),
            "time": clock(event.at),
            "after": now[run].view(),
            "raises": [
                *(["integrity"] if event.raises_integrity else []),
                *(["confidentiality"] if event.raises_confidentiality else []),
            ],
            "told": [came_from(argument) for argument in event.arguments if not argument.is_derived],
        }


def _after(event: Event, before: Label) -> Label:
    if event.kind is EventKind.LABEL:
        return event.label
    if event.kind not in GIVING:
        return before
    return event.label.joined(event.brings) if event.brings is not None else event.label
