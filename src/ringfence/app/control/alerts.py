"""Whether alerts arrive."""

from __future__ import annotations

from ringfence.app.control.answer import Answer, Asked, Reply
from ringfence.app.control.routes import Route
from ringfence.core.model.operator import Role


async def try_receivers(asked: Asked) -> Answer:
    tried = await asked.services.alerts.trial(asked.by)
    return Reply({"receivers": [{"receiver": each.receiver, "arrived": each.arrived, "answer": each.answer} for each in tried]})


ROUTES = (
    Route(
        method="POST",
        path="/alerts/test",
        handler=try_receivers,
        role=Role.ADMIN,
        summary="Send a test alert to every receiver, whatever kinds it asked for.",
        body=(),
        answer="`receivers`, each with `arrived` and what it `answer`ed.",
    ),
)
