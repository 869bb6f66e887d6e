"""Servers: how each of them is, since when, and what it has said. For operators; agents hear of none of it."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Reply, not_found
from ringfence.app.control.routes import Route
from ringfence.app.control.services import ControlServices
from ringfence.app.control.shape import nearest
from ringfence.app.control.stops import stop_view
from ringfence.app.control.times import iso
from ringfence.core.approvals.card import visible
from ringfence.core.definitions.pins import PinKind
from ringfence.core.model.identifiers import Millis, ServerId
from ringfence.core.model.operator import Role
from ringfence.core.model.stop import ScopeKind
from ringfence.ports.upstream import Health, HealthState

NOT_LISTED = "not_listed"
"""It can be reached, but what it lists cannot be had or used."""
MOST_NAMES = 100
_FINE = (HealthState.UP, HealthState.IDLE)


async def list_servers(asked: Asked) -> Answer:
    return Reply({"servers": server_views(asked.services)})


async def show_server(asked: Asked) -> Answer:
    services, server = asked.services, ServerId(asked.path["id"])
    upstream = services.catalogue.upstreams.get(server)
    if upstream is None:
        return not_found(f"there is no server `{visible(server[:60])[0]}`", nearest(server, services.catalogue.upstreams))
    health = upstream.health()
    judgement = services.catalogue.judgement(server)
    places = sorted(judgement.quarantined) if judgement is not None else []
    in_force = await services.stops.in_force()
    return Reply(
        {
            **server_view(services, server, health),
            "quarantined_definitions": [f"{kind.value} {visible(name)[0]}".strip() for kind, name in places[:MOST_NAMES]],
            "oddities": dict(sorted(health.oddities.items())),
            "stops": [stop_view(s) for s in in_force if s.scope.kind is ScopeKind.SERVER and s.scope.target == server],
            # Servers write to it whatever they like, so not everybody who may look at the gateway reads it.
            "stderr": [visible(line)[0] for line in health.stderr] if asked.who.role is Role.ADMIN else None,
        }
    )


def server_views(services: ControlServices) -> list[dict[str, Any]]:
    """Every configured server, by id."""
    upstreams = services.catalogue.upstreams
    return [server_view(services, server, upstreams[server].health()) for server in sorted(upstreams)]


def server_view(services: ControlServices, server: ServerId, health: Health) -> dict[str, Any]:
    catalogue, now = services.catalogue, services.clock.now()
    judgement, described = catalogue.judgement(server), catalogue.described(server)
    why = catalogue.failure(server)
    state = NOT_LISTED if why and health.state in _FINE else health.state.value
    quarantined = judgement.quarantined if judgement is not None else frozenset()
    return {
        "id": server,
        "state": state,
        "says": visible(_words(state, why, health))[0],
        "transport": health.transport,
        "era": health.era or (described.era if described is not None else ""),
        "failing_since": iso(_before(now, health.failing_s)),
        "next_try_at": iso(_after(now, health.retry_s)),
        "error": visible(why or health.error)[0],
        "error_at": iso(_before(now, health.error_s)),
        "listed_at": iso(catalogue.listed_at(server)),
        "tools": len(described.tools) if described is not None else 0,
        "quarantined": sum(kind is PinKind.TOOL for kind, _ in quarantined),
        "restarts": health.restarts,
        "running": health.running,
        "boxed": list(health.boxed) if health.boxed is not None else None,
    }


def _words(state: str, why: str, health: Health) -> str:
    """One line for people."""
    match state:
        case HealthState.UP:
            return "ok"
        case HealthState.IDLE:
            return "ok, nothing runs at the moment"
        case HealthState.STARTING:
            return "is being started"
        case HealthState.BACKING_OFF:
            return f"left alone for another {health.retry_s or 0:.0f} s: {health.error or why}"
        case HealthState.UNREACHABLE:
            return f"not reached for {health.failing_s or 0:.0f} s: {health.error or why}"
        case _:
            return why or health.error


def _before(now: Millis, seconds: float | None) -> Millis | None:
    return Millis(now - int(seconds * 1000)) if seconds is not None else None


def _after(now: Millis, seconds: float | None) -> Millis | None:
    return Millis(now + int(seconds * 1000)) if seconds is not None else None


ROUTES = (
    Route(
        method="GET",
        path="/servers",
        handler=list_servers,
        summary="Every server: its state, since when, what went wrong last.",
        answer="`servers`. `state` is one of up, starting, backing_off, unreachable, idle, unusable, not_listed.",
    ),
    Route(
        method="GET",
        path="/servers/{id}",
        handler=show_server,
        summary="One server, with what is quarantined of it and, for admins, the last lines of its stderr.",
        answer="As in the list, with `quarantined_definitions`, `oddities`, `stops` and `stderr`.",
    ),
)
