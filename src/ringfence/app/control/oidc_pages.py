"""Logging in with a browser at an issuer: out with state, nonce and PKCE, back with a code, and then the login as ever.

1 the answer belongs to a login that this very browser began here, a moment ago, and has not used (state, cookie)
2 it is the answer of the issuer that was asked (`iss`, RFC 9207)
3 the code is redeemed with the verifier that never left this process, and the ID token carries the nonce
4 the configuration gives the person a role
5 the login is recorded before it counts
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final, Protocol
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from ringfence.app.control.answer import Problem, ProblemCode
from ringfence.app.control.browser import is_secure
from ringfence.app.control.flows import COOKIE, LIFE_S, Flow, Flows
from ringfence.app.control.request import Incoming, incoming
from ringfence.app.control.resource import set_cookie, settled
from ringfence.app.control.services import ControlServices
from ringfence.app.control.sessions import Sessions
from ringfence.core.model.operator import Operator
from ringfence.core.model.people import Person
from ringfence.engine.runs.runs import NotDone
from ringfence.errors import RequestError
from ringfence.ports.people import NoPerson

logger = logging.getLogger(__name__)

START: Final = "/login/oidc"
CALLBACK: Final = "/login/oidc/callback"
_CODE_MOST: Final = 4096
_QUERY_MOST: Final = 16_384
_TAKEN: Final = ("code", "state", "iss", "error")
_AGAIN: Final = "begin again on the page /login"


class Renders(Protocol):
    """The pages that these share with the others."""

    def html(self, template: str, status_code: int = 200, **values: object) -> Response: ...

    def problem(self, problem: Problem, operator: Operator | None) -> Response: ...


class OidcPages:
    """The two addresses of a login at an issuer."""

    def __init__(self, services: ControlServices, sessions: Sessions, renders: Renders, own_path: Callable[[str], str]) -> None:
        self._services = services
        self._sessions = sessions
        self._renders = renders
        self._own_path = own_path
        self._flows = Flows(services.clock, services.entropy)

    def routes(self) -> list[BaseRoute]:
        return [
            StarletteRoute(START, self.start, methods=["GET"]),
            StarletteRoute(CALLBACK, self.callback, methods=["GET"]),
        ]

    async def start(self, request: Request) -> Response:
        """Send the browser to the issuer."""
        came = incoming(request.scope)
        answer = await settled(self._started(request, came))
        return self._renders.problem(answer, None) if isinstance(answer, Problem) else answer

    async def _started(self, request: Request, came: Incoming) -> Response | Problem:
        offer = self._services.people_issuer.offer
        if offer is None or came.connection.unix or came.method != "GET":
            return _nothing_here()
        onward = self._own_path(request.query_params.get("next", "/"))
        if came.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            # Another site does not begin logins; from ours it is one more click.
            return RedirectResponse("/login", 303)
        cookie, flow = self._flows.begin(offer, onward)
        address = await self._services.people_issuer.address(state=flow.state, nonce=flow.nonce, challenge=flow.challenge)
        if isinstance(address, NoPerson):
            return _problem(address)
        response = RedirectResponse(address, 303)
        self._set_cookie(response, cookie, came)
        return response

    async def callback(self, request: Request) -> Response:
        """Let in whom the issuer sends back."""
        came = incoming(request.scope)
        answer = await settled(self._called_back(came))
        response = self._renders.problem(answer, None) if isinstance(answer, Problem) else answer
        self._set_cookie(response, "", came)
        return response

    async def _called_back(self, came: Incoming) -> Response | Problem:
        if self._services.people_issuer.offer is None or came.connection.unix or came.method != "GET":
            return _nothing_here()
        said = _read(came.query)
        flow = self._flows.take(_cookie(came))
        if flow is None or not hmac.compare_digest(said.get("state", "").encode(), flow.state.encode()):  # 1
            why = "this login was not begun in this browser, was used already, or took longer than ten minutes"
            return Problem(ProblemCode.UNAUTHENTICATED, why, _AGAIN)
        found = await self._person(said, flow)
        if isinstance(found, NoPerson):
            return _problem(found)
        operator = await self._services.people.admit(found, way="browser")  # 4, 5
        if isinstance(operator, NotDone):
            logger.warning("somebody whom the issuer knows was not let in: %s", operator.why)
            return Problem(ProblemCode.FORBIDDEN, operator.why, operator.remedy)
        life_s = self._services.people.login_s
        # Not a redirect: the browser comes from another site, and a strict cookie goes along from our own page only.
        response = self._renders.html("onward.html", path=flow.onward)
        value = self._sessions.open(operator, person=found, life_s=life_s)
        set_cookie(response, value, came, self._services.public_url, life_s)
        return response

    async def _person(self, said: Mapping[str, str], flow: Flow) -> Person | NoPerson:
        issuer = self._services.people_issuer
        if issuer.offer != flow.offer:
            return NoPerson("the configured issuer changed while somebody logged in")
        if (other := await issuer.says_issuer(said.get("iss"))) is not None:  # 2
            return other
        if "error" in said:
            return NoPerson(f"the issuer let nobody in: {said['error'][:60]!r}")
        code = said.get("code", "")
        if not 0 < len(code) <= _CODE_MOST:
            return NoPerson("the issuer's answer has no code")
        return await issuer.redeem(code, verifier=flow.verifier, nonce=flow.nonce)  # 3

    def _set_cookie(self, response: Response, value: str, came: Incoming) -> None:
        """Lax, because the issuer sends the browser back from another site; for these two addresses only."""
        secure = is_secure(came.host, came.scheme, self._services.public_url)
        response.set_cookie(
            COOKIE, value, max_age=LIFE_S if value else 0, path=START, secure=secure, httponly=True, samesite="lax"
        )


def _read(query: bytes) -> dict[str, str]:
    """What is used of an answer, each once (RFC 6749, section 3.1); others are for others. Raises: RequestError."""
    if len(query) > _QUERY_MOST:
        raise RequestError("the issuer's answer is too long")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except (ValueError, UnicodeError) as error:
        raise RequestError("the issuer's answer cannot be read") from error
    said: dict[str, str] = {}
    for name, value in pairs:
        if name not in _TAKEN:
            continue
        if name in said:
            raise RequestError(f"the issuer's answer has `{name}` twice")
        said[name] = value
    return said


def _cookie(came: Incoming) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(came.headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""


def _nothing_here() -> Problem:
    return Problem(ProblemCode.NOT_FOUND, "nobody logs in by an issuer here", "`operators.oidc` configures one")


def _problem(nobody: NoPerson) -> Problem:
    """One meaning for people, the reason for the operators' log."""
    logger.warning("a login at the issuer came to nothing: %s", nobody.why)
    if nobody.unavailable:
        why = "the issuer that people log in at cannot be asked now"
        return Problem(
            ProblemCode.UNAVAILABLE, why, "an operator's own credential still works; the gateway's log has the reason"
        )
    why = "the issuer's answer was not accepted, so nobody is logged in"
    return Problem(ProblemCode.UNAUTHENTICATED, why, f"{_AGAIN}; the gateway's log has the reason")
