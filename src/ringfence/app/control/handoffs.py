"""What a child run owed the run above it, and handed over."""

from __future__ import annotations

from ringfence.app.control.answer import Answer, Asked, Reply, refused
from ringfence.app.control.routes import Route
from ringfence.app.control.times import iso
from ringfence.core.model.identifiers import RunId
from ringfence.core.own_tools.handoff import sha256_of
from ringfence.engine.runs.runs import NotDone


async def show_handoff(asked: Asked) -> Answer:
    shown = await asked.services.handoffs.of(RunId(asked.path["id"]))
    if isinstance(shown, NotDone):
        return refused(shown)
    given = shown.handoff
    owed = {"run": shown.run.id, "parent": shown.run.ancestors[0], "schema": shown.schema, "handed": given is not None}
    if given is None:
        return Reply(owed)
    return Reply(
        {
            **owed,
            "at": iso(given.at),
            "result": shown.result,
            "withheld": shown.is_withheld,
            "bytes": len(given.result.encode()),
            "sha256": sha256_of(given),
            "typed": given.is_typed,
            "label": given.label.view(),
            "brings": given.brings.view(),
        }
    )


ROUTES = (
    Route(
        method="GET",
        path="/runs/{id}/handoff",
        handler=show_handoff,
        summary="What a child run owes the run above it, and what it has handed over.",
        answer="`schema`, whether it has `handed` it over, and then `result` (secrets masked), `label` and what it `brings`.",
    ),
)
