"""The plain page: what waits, one card with approve and deny, and where notifications lead. No script is needed or allowed.

A GET never changes anything. A decision is a POST with the digest of the card that was read, and is followed by a redirect to
the card that shows what happened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from ringfence.app.control import explain, lineage, status
from ringfence.app.control.answer import Answer, Asked, Bootstrap, Problem, ProblemCode, Reply, not_found, refused
from ringfence.app.control.auth import Known, authenticate
from ringfence.app.control.browser import is_own_page
from ringfence.app.control.forms import read_form
from ringfence.app.control.login import log_in
from ringfence.app.control.oidc_pages import OidcPages
from ringfence.app.control.request import Incoming, incoming, read_all
from ringfence.app.control.resource import set_cookie, settled
from ringfence.app.control.run_page import RunPage
from ringfence.app.control.services import ControlServices
from ringfence.app.control.sessions import Sessions
from ringfence.app.control.view import card_view, marked
from ringfence.app.lineage.page import STYLE, timeline_page
from ringfence.core.model.identifiers import TicketId
from ringfence.core.model.operator import Operator
from ringfence.core.model.ticket import TicketState
from ringfence.engine.runs.runs import NotDone

HERE: Final = Path(__file__).parent
_STYLE: Final = (HERE / "static" / "ringfence.css").read_bytes()
_LIVE: Final = frozenset({TicketState.PENDING})

Page = Callable[[Request, Incoming, Operator], Awaitable[Response | Problem]]


class Pages:
    """The handlers, with what they share."""

    def __init__(self, services: ControlServices, sessions: Sessions) -> None:
        self._services = services
        self._sessions = sessions
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["marked"] = marked

    def known(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """A page for operators: anybody else is led to the login."""

        async def handler(request: Request) -> Response:
            came = incoming(request.scope)
            found = await settled(self._who(came))
            if isinstance(found, Problem):
                return self._turned_away(found, came)
            assert isinstance(found, Known)
            answer = await settled(page(request, came, found.operator))
            return self.problem(answer, found.operator) if isinstance(answer, Problem) else answer

        return handler

    async def _who(self, came: Incoming) -> Known | Problem:
        found = await authenticate(self._services, self._sessions, came.connection)
        if isinstance(found, Bootstrap):
            return Problem(
                ProblemCode.UNAUTHENTICATED, "there is no operator yet", "`ringfence operator add NAME --role admin`"
            )
        if isinstance(found, Known) and found.by_cookie and came.is_unsafe and not is_own_page(came.headers):
            return Problem(ProblemCode.ORIGIN, "this form was not sent from the control plane's own page")
        return found

    def _turned_away(self, problem: Problem, came: Incoming) -> Response:
        if problem.code is not ProblemCode.UNAUTHENTICATED or came.connection.unix or came.is_unsafe:
            return self.problem(problem, None)
        if came.headers.get("sec-fetch-site") == "cross-site":
            # A strict cookie does not come along from a link in a chat; one step inside our own site, and it does.
            return self.html("onward.html", path=came.path)
        return RedirectResponse(f"/login?next={quote(came.path, safe='/')}", 303)

    def html(self, template: str, status_code: int = 200, **values: Any) -> Response:
        """A page of ours."""
        page = self._templates.get_template(template).render(posture=self._services.posture.value, **values)
        return HTMLResponse(page, status_code)

    def problem(self, problem: Problem, operator: Operator | None) -> Response:
        return self.html("problem.html", problem.status, problem=problem, operator=operator)

    # --- approvals ---------------------------------------------------------------------------------------------------

    async def waiting(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        now = self._services.clock.now()
        tickets = await self._services.approvals.shown(_LIVE)
        cards = [card_view(ticket, now) for ticket in tickets if now < ticket.expires_at]
        return self.html("list.html", cards=cards, operator=operator)

    async def card(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        return await self._card(str(request.path_params["id"]), operator)

    async def _card(self, ticket_id: str, operator: Operator, fault: Problem | None = None) -> Response | Problem:
        ticket = await self._services.store.ticket(TicketId(ticket_id))
        if ticket is None:
            return not_found("there is no such approval")
        view = card_view(ticket, self._services.clock.now())
        return self.html("card.html", fault.status if fault else 200, view=view, operator=operator, fault=fault)

    async def decide(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        form = read_form(
            await read_all(request.receive), came.headers.get("content-type", ""), ("digest", "decision", "reason")
        )
        ticket_id = str(request.path_params["id"])
        if form.get("decision") not in ("approve", "deny") or not form.get("digest"):
            return Problem(ProblemCode.MALFORMED, "the form says neither approve nor deny, or not of which card")
        voted = await self._services.approvals.vote(
            operator,
            TicketId(ticket_id),
            approve=form["decision"] == "approve",
            card_digest=form["digest"],
            reason=form.get("reason", ""),
        )
        if isinstance(voted, NotDone):
            return await self._card(ticket_id, operator, refused(voted))
        return RedirectResponse(f"/approvals/{quote(ticket_id, safe='')}", 303)

    # --- where notifications lead ------------------------------------------------------------------------------------

    async def entry(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        return self._facts("Entry", await explain.explain(self._asked(request, operator)), operator, "entry.html")

    async def timeline(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        answer = await lineage.show_lineage(self._asked(request, operator))
        if isinstance(answer, Problem):
            return answer
        assert isinstance(answer, Reply)
        return HTMLResponse(timeline_page(answer.body, served=True))

    async def state(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        return self._facts("Status", await status.status(self._asked(request, operator)), operator, "status.html")

    def _asked(self, request: Request, operator: Operator) -> Asked:
        return Asked(services=self._services, operator=operator, path=request.path_params)

    def _facts(self, title: str, answer: Answer, operator: Operator, template: str) -> Response | Problem:
        if isinstance(answer, Problem):
            return answer
        assert isinstance(answer, Reply)
        return self.html(template, title=title, facts=answer.body, operator=operator)

    # --- logging in --------------------------------------------------------------------------------------------------

    async def login_form(self, request: Request) -> Response:
        return self._login_page(own_path(request.query_params.get("next", "/")))

    def _login_page(self, onward: str, fault: str = "") -> Response:
        offer = self._services.people_issuer.offer
        # From the address that the issuer sends browsers back to: their cookie has to be that one's.
        oidc = f"{offer.redirect_uri.removesuffix('/callback')}?next={quote(onward, safe='')}" if offer else ""
        label = offer.label if offer else ""
        return self.html("login.html", 401 if fault else 200, next=onward, fault=fault, operator=None, oidc=oidc, label=label)

    async def login(self, request: Request) -> Response:
        came = incoming(request.scope)
        answer = await settled(self._log_in(request, came))
        return self.problem(answer, None) if isinstance(answer, Problem) else answer

    async def _log_in(self, request: Request, came: Incoming) -> Response | Problem:
        if not is_own_page(came.headers):
            return Problem(ProblemCode.ORIGIN, "this form was not sent from the control plane's own page")
        form = read_form(
            await read_all(request.receive), came.headers.get("content-type", ""), ("operator", "credential", "next")
        )
        onward = own_path(form.get("next", "/"))
        operator = await log_in(self._services, form.get("operator", ""), form.get("credential", ""))
        if operator is None:
            return self._login_page(onward, "operator or credential not accepted")
        response = RedirectResponse(onward, 303)
        set_cookie(response, self._sessions.open(operator), came, self._services.public_url)
        return response

    async def logout(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        if came.connection.cookie:
            self._sessions.close(came.connection.cookie)
        response = RedirectResponse("/login", 303)
        set_cookie(response, "", came, self._services.public_url)
        return response


def own_path(path: str) -> str:
    """A path of ours to go on to, whatever the link said; never another site."""
    plain = path.isascii() and path.isprintable() and "\\" not in path and b"\\" not in unquote_to_bytes(path)
    return path if plain and path.startswith("/") and not path.startswith("//") and len(path) <= 500 else "/"


async def _style(_: Request) -> Response:
    return Response(_STYLE, media_type="text/css")


async def _timeline_style(_: Request) -> Response:
    return Response(STYLE, media_type="text/css")


async def _home(_: Request) -> Response:
    return RedirectResponse("/approvals", 303)


def page_routes(services: ControlServices, sessions: Sessions) -> list[BaseRoute]:
    """The pages' routes."""
    pages = Pages(services, sessions)
    return [
        *OidcPages(services, sessions, pages, own_path).routes(),
        StarletteRoute("/", _home, methods=["GET"]),
        StarletteRoute("/static/ringfence.css", _style, methods=["GET"]),
        StarletteRoute("/static/timeline.css", _timeline_style, methods=["GET"]),
        StarletteRoute("/login", pages.login_form, methods=["GET"]),
        StarletteRoute("/login", pages.login, methods=["POST"]),
        StarletteRoute("/logout", pages.known(pages.logout), methods=["POST"]),
        StarletteRoute("/approvals", pages.known(pages.waiting), methods=["GET"]),
        StarletteRoute("/approvals/{id}", pages.known(pages.card), methods=["GET"]),
        StarletteRoute("/approvals/{id}/decision", pages.known(pages.decide), methods=["POST"]),
        StarletteRoute("/audit/{id}", pages.known(pages.entry), methods=["GET"]),
        *RunPage(services, pages).routes(),
        StarletteRoute("/runs/{id}/timeline", pages.known(pages.timeline), methods=["GET"]),
        StarletteRoute("/status", pages.known(pages.state), methods=["GET"]),
        StarletteRoute("/stops/{id}", pages.known(pages.state), methods=["GET"]),
        StarletteRoute("/servers/{id}", pages.known(pages.state), methods=["GET"]),
    ]
