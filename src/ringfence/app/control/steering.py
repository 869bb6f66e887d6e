"""Saying something to a run that is open."""

from __future__ import annotations

from ringfence.app.control.answer import Answer, Asked, Reply, refused
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import Field
from ringfence.app.control.times import iso
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.operator import Role
from ringfence.engine.runs.runs import NotDone


async def say(asked: Asked) -> Answer:
    said = await asked.services.steering.say(RunId(asked.path["id"]), asked.body["text"], operator=asked.who)
    if isinstance(said, NotDone):
        return refused(said)
    return Reply({"run": said.run.id, "by": said.words.by, "at": iso(said.words.at), "entry": said.entry})


ROUTES = (
    Route(
        method="POST",
        path="/runs/{id}/words",
        handler=say,
        role=Role.APPROVER,
        summary="Say something to an open run. It counts as trusted words from then on, for the runs below it too.",
        body=(Field("text", "In your words.", required=True, most=100_000),),
        answer="Who said it, when, and the log's `entry`.",
    ),
)
