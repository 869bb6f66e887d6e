"""Labels of runs and of what outlives them, and lowering them."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply, refused
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import NEEDED_REASON, Field
from ringfence.app.control.times import iso
from ringfence.core.model.label import CLEAN
from ringfence.core.model.operator import Role
from ringfence.core.model.profile import Sensitivity
from ringfence.core.model.run import Run
from ringfence.engine.people.labels import Holder, Kept, Lowered, Source
from ringfence.engine.runs.runs import NotDone

_TO = Field("to", "As what it may be treated from now on.", required=True, choices=tuple(level.value for level in Sensitivity))
_PLACES = (
    Field("agent", "What the next run that no operator opens begins with.", most=200),
    Field("memory", "The server whose memory tools were given something to keep.", most=200),
)
_LOWERED = (
    "`before` and `after`, the run's `effective` label, what keeps it up (`above`, `place`), what keeps its own (`below`), the "
    "newest entries that it answers for, and the log's `entry`."
)


async def endorse_run(asked: Asked) -> Answer:
    return _answer(await asked.services.labels.endorse(_run(asked), operator=asked.who, reason=asked.body["reason"]))


async def declassify_run(asked: Asked) -> Answer:
    return await _declassified(asked, _run(asked))


async def endorse_place(asked: Asked) -> Answer:
    holder = _place(asked)
    if isinstance(holder, Problem):
        return holder
    return _answer(await asked.services.labels.endorse(holder, operator=asked.who, reason=asked.body["reason"]))


async def declassify_place(asked: Asked) -> Answer:
    holder = _place(asked)
    return holder if isinstance(holder, Problem) else await _declassified(asked, holder)


async def list_places(asked: Asked) -> Answer:
    found: list[dict[str, Any]] = []
    for place, label in (await asked.services.labels.places()).items():
        kind, _, name = place.partition(":")
        found.append({"kind": kind, "name": name, "label": label.view()})
    return Reply({"labels": found})


async def labels_of_run(asked: Asked, run: Run) -> dict[str, Any]:
    """What `GET /runs/{id}` says of a run's label and of what was said to it."""
    found = await asked.services.labels.of_run(run)
    return {
        "label": found.effective.view(),
        "own_label": found.own.view(),
        "label_above": [{"run": above, "label": label.view()} for above, label in found.above],
        "label_from": [_source_view(source) for source in found.sources],
        "next_run_begins_with": found.place.view() if found.place != CLEAN else None,
        "words": [{"text": said.text, "by": said.by, "at": iso(said.at)} for said in run.words],
    }


def _run(asked: Asked) -> Holder:
    return Holder(Kept.RUN, asked.path["id"])


def _place(asked: Asked) -> Holder | Problem:
    agent, memory = asked.body.get("agent"), asked.body.get("memory")
    if (agent is None) == (memory is None):
        return Problem(ProblemCode.MALFORMED, "say whose label: either `agent` or `memory`")
    return Holder(Kept.AGENT, agent) if agent is not None else Holder(Kept.MEMORY, str(memory))


async def _declassified(asked: Asked, holder: Holder) -> Answer:
    to = Sensitivity(asked.body["to"])
    return _answer(await asked.services.labels.declassify(holder, to, operator=asked.who, reason=asked.body["reason"]))


def _answer(lowered: Lowered | NotDone) -> Answer:
    if isinstance(lowered, NotDone):
        return refused(lowered)
    return Reply(
        {
            "of": {"kind": lowered.holder.kind.value, "name": lowered.holder.name},
            "before": lowered.before.view(),
            "after": lowered.after.view(),
            "effective": lowered.effective.view(),
            "above": [{"run": above, "label": label.view()} for above, label in lowered.above],
            "below": list(lowered.below)[:500],
            "place": lowered.place.view() if not lowered.after.covers(lowered.place) else None,
            "answers_for": [_source_view(source) for source in lowered.sources],
            "entry": lowered.entry,
        }
    )


def _source_view(source: Source) -> dict[str, Any]:
    return {"entry": source.entry, "tool": source.tool, "at": iso(source.at), "label": source.label.view()}


ROUTES = (
    Route(
        method="POST",
        path="/runs/{id}/endorse",
        handler=endorse_run,
        role=Role.APPROVER,
        summary="Answer for it that what a run was given can be trusted.",
        body=(NEEDED_REASON,),
        answer=_LOWERED,
    ),
    Route(
        method="POST",
        path="/runs/{id}/declassify",
        handler=declassify_run,
        role=Role.APPROVER,
        summary="Answer for it that what a run was given may be treated as less confidential. From `regulated` as an admin.",
        body=(_TO, NEEDED_REASON),
        answer=_LOWERED,
    ),
    Route(
        method="GET",
        path="/labels",
        handler=list_places,
        summary="Labels of what outlives runs: what agents' own runs were given, and what is kept with servers.",
        answer="`labels`, each with `kind` (`agent` or `memory`), `name` and `label`.",
    ),
    Route(
        method="POST",
        path="/labels/endorse",
        handler=endorse_place,
        role=Role.ADMIN,
        summary="Answer for it that what an agent remembers, or what is kept with a server, can be trusted.",
        body=(*_PLACES, NEEDED_REASON),
        answer=_LOWERED,
    ),
    Route(
        method="POST",
        path="/labels/declassify",
        handler=declassify_place,
        role=Role.ADMIN,
        summary="Answer for it that what an agent remembers, or what is kept with a server, is less confidential.",
        body=(*_PLACES, _TO, NEEDED_REASON),
        answer=_LOWERED,
    ),
)
