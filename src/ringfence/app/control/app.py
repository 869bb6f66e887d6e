"""The control plane as one ASGI application, for the unix socket and for TCP alike.

    app = build_control(services)

The server tells the listener's kind and the peer's user in `scope["extensions"]["ringfence"]` (server.py); without it a
request counts as one over TCP.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply
from ringfence.app.control.browser import HEADERS, is_served
from ringfence.app.control.device_login import device_routes
from ringfence.app.control.login import login_routes
from ringfence.app.control.openapi import openapi
from ringfence.app.control.pages import page_routes
from ringfence.app.control.request import Body, incoming
from ringfence.app.control.resource import Resource, rendered
from ringfence.app.control.routes import Route
from ringfence.app.control.services import ControlServices
from ringfence.app.control.sessions import Sessions
from ringfence.app.control.table import ROUTES
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy

logger = logging.getLogger(__name__)


def build_control(services: ControlServices) -> ASGIApp:
    """The API, the pages and the health checks."""
    sessions = Sessions(services.clock, services.entropy)
    routes = all_routes(services.version, sessions, services.clock, services.entropy)
    served: list[BaseRoute] = [*_resources(services, sessions, routes), *page_routes(services, sessions)]
    starlette = Starlette(routes=served, exception_handlers={404: _nothing_here, Exception: _broken})
    starlette.router.redirect_slashes = False
    return Guard(starlette, services.public_url)


def all_routes(version: str, sessions: Sessions, clock: Clock, entropy: Entropy) -> tuple[Route, ...]:
    """Every route of the API, its own description included."""

    async def describe(_: Asked) -> Answer:
        return Reply(openapi(described, version))

    description = Route(
        method="GET", path="/openapi.json", handler=describe, role=None, summary="This document.", answer="OpenAPI 3.1"
    )
    described = (*ROUTES, *login_routes(sessions), *device_routes(sessions, clock, entropy), description)
    return described


def _resources(services: ControlServices, sessions: Sessions, routes: Iterable[Route]) -> list[BaseRoute]:
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.full_path, {})[route.method] = route
    return [StarletteRoute(path, Resource(services, sessions, methods)) for path, methods in by_path.items()]


async def _nothing_here(request: Request, _: Exception) -> Response:
    return rendered(
        Problem(ProblemCode.NOT_FOUND, "there is nothing here", "/api/v1/openapi.json"), incoming(request.scope), ""
    )


async def _broken(request: Request, _: Exception) -> Response:
    # The error itself travels on to the server, which logs it.
    return rendered(Problem(ProblemCode.INTERNAL, "the control plane failed"), incoming(request.scope), "")


class Guard:
    """Before anything else: is this host served here; and the same protective headers on every answer."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        request, body = incoming(scope), Body(receive)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                if request.is_unsafe:
                    await body.drain()
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        if not request.connection.unix and not is_served(request.host, self._public_url):
            problem = Problem(
                ProblemCode.HOST, "this host is not served here", "set `control.public_url` to the address you use"
            )
            await rendered(problem, request, "")(scope, body.receive, guarded)
            return
        await self._app(scope, body.receive, guarded)
