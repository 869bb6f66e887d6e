"""Signals: named events that pause the runs of agents whose `stop_when` listens to them."""

from __future__ import annotations

from ringfence.app.control.answer import Answer, Asked, Reply, refused
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import REASON, Field
from ringfence.app.control.stops import stopped_view
from ringfence.core.model.operator import Role
from ringfence.engine.runs.runs import NotDone


async def send(asked: Asked) -> Answer:
    """The answer is the acknowledgement of each pause."""
    body = asked.body
    sent = await asked.services.signals.send(
        body["signal"], asked.who, run=body.get("run"), agent=body.get("agent"), reason=body.get("reason", "")
    )
    return refused(sent) if isinstance(sent, NotDone) else Reply({"stopped": [stopped_view(one) for one in sent.stopped]})


ROUTES = (
    Route(
        method="POST",
        path="/signals",
        handler=send,
        role=Role.APPROVER,
        summary="Send a signal: runs of agents whose `stop_when.signals` names it are paused.",
        body=(
            Field("signal", "Its name.", required=True, most=60),
            Field("run", "This run alone.", most=80, nullable=True),
            Field(
                "agent", "The runs of this agent alone. Where neither is given: of all that listen.", most=200, nullable=True
            ),
            REASON,
        ),
        answer="`stopped`: each pause as `/pause` answers it.",
    ),
)
