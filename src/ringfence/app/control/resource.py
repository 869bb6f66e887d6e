"""One path of the API: who asks, may they, what do they say, then the handler.

1 the method is one of the path's
2 an operator is known (or nobody needs to be)
3 an unsafe request with a browser's cookie comes from our own page
4 the role suffices
5 query and body are read strictly
6 the handler answers
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ringfence.app.control.answer import Answer, Asked, Bootstrap, Lines, Problem, ProblemCode, Reply, Text
from ringfence.app.control.auth import Known, authenticate, bearer_of
from ringfence.app.control.browser import is_own_page, is_secure
from ringfence.app.control.request import Incoming, TooLarge, incoming, read_all
from ringfence.app.control.routes import Route, is_at_least
from ringfence.app.control.services import ControlServices
from ringfence.app.control.sessions import COOKIE, LIFE_S, Sessions
from ringfence.app.control.shape import read_body, read_query
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import IntegrityError, RequestError, UnavailableError

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Resource:
    """An ASGI application for one path."""

    def __init__(self, services: ControlServices, sessions: Sessions, routes: Mapping[str, Route]) -> None:
        self._services = services
        self._sessions = sessions
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = incoming(scope)
        answer = await settled(self._answer(request, scope, receive))
        response = rendered(answer, request, self._services.public_url)
        if isinstance(answer, Problem) and answer.code is ProblemCode.METHOD:
            response.headers["allow"] = ", ".join(sorted(self._routes))
        await response(scope, receive, send)

    async def _answer(self, request: Incoming, scope: Scope, receive: Receive) -> Answer:
        route = self._routes.get(request.method)  # 1
        if route is None:
            return Problem(
                ProblemCode.METHOD, f"{request.method[:20]} does nothing here", f"use {', '.join(sorted(self._routes))}"
            )
        who: Known | Bootstrap | None = None
        if route.role is not None and not (route.for_scraper and await self._services.scraping.admits(_shown(request))):
            found = await authenticate(self._services, self._sessions, request.connection)  # 2
            if isinstance(found, Problem):
                return found
            if (refusal := may(found, route, request)) is not None:  # 3, 4
                return refusal
            who = found
        query = read_query(request.query, route.query)  # 5
        body = {}
        if route.body is not None:
            data = await read_all(receive)
            if data.strip() and request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return Problem(ProblemCode.MALFORMED, "the body is not declared as JSON", "Content-Type: application/json")
            body = read_body(data, route.body)
        return await route.handler(  # 6
            Asked(
                services=self._services,
                operator=who.operator if isinstance(who, Known) else None,
                bootstrap=who if isinstance(who, Bootstrap) else None,
                peer_uid=request.connection.peer_uid if request.connection.unix else None,
                credential=_shown(request),
                path=scope.get("path_params", {}),
                query=query,
                body=body,
            )
        )


def _shown(request: Incoming) -> str:
    """What the request shows itself by: a bearer goes before a cookie."""
    connection = request.connection
    return (bearer_of(connection.authorization) or "") if connection.authorization is not None else connection.cookie or ""


def may(found: Known | Bootstrap, route: Route, request: Incoming) -> Problem | None:
    """Whether a caller may use a route."""
    if isinstance(found, Bootstrap):
        if route.bootstrap:
            return None
        why = "there is no operator yet"
        return Problem(ProblemCode.UNAUTHENTICATED, why, "`ringfence operator add NAME --role admin` adds the first one")
    if found.by_cookie and request.is_unsafe and not is_own_page(request.headers):
        return Problem(ProblemCode.ORIGIN, "this request does not come from the control plane's own page")
    if route.role is not None and not is_at_least(found.operator.role, route.role):
        name, role = found.operator.name, found.operator.role.value
        return Problem(ProblemCode.FORBIDDEN, f"{name} is a {role}", f"this needs the role {route.role.value}")
    return None


async def settled(coming: Awaitable[T]) -> T | Problem:
    """The answer, with what the layers below raise made into one."""
    try:
        return await coming
    except TooLarge as error:
        return Problem(ProblemCode.TOO_LARGE, str(error))
    except RequestError as error:
        return Problem(ProblemCode.MALFORMED, str(error), error.remedy)
    except UnavailableError as error:
        logger.warning("the control plane could not answer: %s", error)
        return Problem(ProblemCode.UNAVAILABLE, str(error), error.remedy or "`ringfence status` says how the gateway is")
    except IntegrityError as error:
        logger.error("the evidence does not hold: %s", error)
        return Problem(
            ProblemCode.UNAVAILABLE, f"the evidence does not hold: {error}", "do not write over it: copy the state first"
        )


def rendered(answer: Answer, request: Incoming, public_url: str) -> Response:
    """An answer as an HTTP response."""
    match answer:
        case Lines(lines=lines):
            return StreamingResponse((line + b"\n" async for line in lines), media_type="application/x-ndjson")
        case Text(body=body, media_type=media_type):
            return Response(body, headers={"content-type": media_type})
        case Problem():
            headers = {"www-authenticate": "Bearer"} if answer.code is ProblemCode.UNAUTHENTICATED else {}
            return Response(canonical_bytes(answer.body()), answer.status, headers, "application/json")
        case Reply(body=body, status=status, cookie=cookie):
            response = Response(canonical_bytes(body), status, media_type="application/json")
            if cookie is not None:
                set_cookie(response, cookie, request, public_url)
            return response


def set_cookie(response: Response, value: str, request: Incoming, public_url: str, life_s: int = LIFE_S) -> None:
    """Give or take the login cookie."""
    secure = is_secure(request.host, request.scheme, public_url)
    response.set_cookie(
        COOKIE, value, max_age=life_s if value else 0, path="/", secure=secure, httponly=True, samesite="strict"
    )
