"""Who is told of alerts, and whether they arrive."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Reply
from ringfence.app.control.routes import Route
from ringfence.app.control.times import iso
from ringfence.core.model.operator import Role
from ringfence.ports.notifier import Receiver


async def list_receivers(asked: Asked) -> Answer:
    receivers = asked.services.alerts.receivers()
    return Reply({"receivers": [receiver_view(each) for each in receivers]})


def receiver_view(receiver: Receiver) -> dict[str, Any]:
    """One receiver as JSON."""
    return {
        "receiver": receiver.name,
        "kinds": [kind.value for kind in receiver.kinds],
        "waiting": receiver.waiting,
        "delivered": receiver.delivered,
        "lost": receiver.lost,
        "last": receiver.last,
        "last_at": iso(receiver.last_at),
    }


async def try_receivers(asked: Asked) -> Answer:
    tried = await asked.services.alerts.trial(asked.by)
    return Reply({"receivers": [{"receiver": each.receiver, "arrived": each.arrived, "answer": each.answer} for each in tried]})


ROUTES = (
    Route(
        method="GET",
        path="/alerts",
        handler=list_receivers,
        summary="Who is told of alerts, and how that went since the gateway began to tell them.",
        answer="`receivers`, each with `kinds` (none: all), what is `waiting`, `delivered`, `lost`, and what it said `last`.",
    ),
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
