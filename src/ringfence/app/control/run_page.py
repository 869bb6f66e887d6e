"""The page of one run, where alerts lead: what it did, what it may still use, and the forms that raise a cap and stop it.

Looking changes nothing. Each form is a POST from our own page by somebody who is logged in, with the role that the API asks
for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from ringfence.app.control import budget, history, stops
from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply
from ringfence.app.control.forms import read_form
from ringfence.app.control.request import Incoming, read_all
from ringfence.app.control.routes import is_at_least
from ringfence.app.control.services import ControlServices
from ringfence.core.ledger.moves import is_of_run, run_of
from ringfence.core.ledger.raising import raise_command
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.run import RunState
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.runs.runs import NotDone

MOST: Final = {"meter": 300, "by": 40, "reason": 1000}
_MODES: Final = (StopMode.KILL.value, StopMode.PAUSE.value)
Page = Callable[[Request, Incoming, Operator], Awaitable[Response | Problem]]


class Renders(Protocol):
    """What these pages share with the others."""

    def html(self, template: str, status_code: int = 200, **values: object) -> Response: ...

    def known(self, page: Page) -> Callable[[Request], Awaitable[Response]]: ...


class RunPage:
    """One page and its two forms."""

    def __init__(self, services: ControlServices, pages: Renders) -> None:
        self._services = services
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        return [
            StarletteRoute("/runs/{id}", self._pages.known(self.show), methods=["GET"]),
            StarletteRoute("/runs/{id}/stop", self._pages.known(self.stop), methods=["POST"]),
            StarletteRoute("/runs/{id}/raise", self._pages.known(self.raise_cap), methods=["POST"]),
        ]

    async def show(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        return await self._show(request, operator)

    async def _show(self, request: Request, operator: Operator, fault: Problem | None = None) -> Response | Problem:
        answer = await history.timeline(Asked(services=self._services, operator=operator, path=request.path_params))
        if isinstance(answer, Problem):
            return answer
        assert isinstance(answer, Reply)
        run, meters = RunId(request.path_params["id"]), list[dict[str, Any]]()
        await self._services.catalogue.ensure_listed()
        found = await self._services.budgets.of_run(run)
        if not isinstance(found, NotDone):
            meters = [budget.reading_view(reading) for reading in found[1]]
        own = [m["meter"] for m in meters if is_of_run(m["meter"]) and run_of(m["meter"]) == run and raise_command(m["meter"])]
        return self._pages.html(
            "run.html",
            fault.status if fault else 200,
            facts=answer.body,
            meters=meters,
            own=own,
            stops=await self._stops_on(run),
            is_open=not isinstance(found, NotDone),
            may_act=is_at_least(operator.role, Role.APPROVER),
            operator=operator,
            fault=fault,
        )

    async def _stops_on(self, run_id: RunId) -> list[dict[str, Any]]:
        run = await self._services.store.run(run_id)
        if run is None or run.state is not RunState.OPEN:
            return []
        return [stops.stop_view(stop) for stop in self._services.store.stops_on(await reach_of(self._services.store, run))]

    async def stop(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        form = await self._form(request, came, ("mode", "reason"))
        if form.get("mode") not in _MODES:
            return Problem(ProblemCode.MALFORMED, "the form says neither kill nor pause")
        scope = Scope(ScopeKind.RUN, request.path_params["id"])
        asked = Asked(services=self._services, operator=operator, body={"reason": form.get("reason", "")})
        return await self._done(request, operator, lambda: stops.put(asked, StopMode(form["mode"]), scope))

    async def raise_cap(self, request: Request, came: Incoming, operator: Operator) -> Response | Problem:
        form = await self._form(request, came, ("meter", "by", "reason"))
        if not form.get("meter") or not form.get("by"):
            return Problem(ProblemCode.MALFORMED, "the form does not say which cap is raised, or by how much")
        body = {"run": request.path_params["id"], "reason": "", **form}
        asked = Asked(services=self._services, operator=operator, body=body)
        return await self._done(request, operator, lambda: budget.raise_cap(asked))

    async def _form(self, request: Request, came: Incoming, fields: tuple[str, ...]) -> dict[str, str]:
        form = read_form(await read_all(request.receive), came.headers.get("content-type", ""), fields)
        return {name: text[: MOST.get(name, 20)] for name, text in form.items()}

    async def _done(self, request: Request, operator: Operator, act: Callable[[], Awaitable[Answer]]) -> Response | Problem:
        if not is_at_least(operator.role, Role.APPROVER):
            return Problem(ProblemCode.FORBIDDEN, f"{operator.name} is a viewer", "this needs the role approver or admin")
        answer = await act()
        if isinstance(answer, Problem):
            return await self._show(request, operator, answer)
        return RedirectResponse(f"/runs/{quote(request.path_params['id'], safe='')}", 303)
