"""Logging in and out over TCP."""

from __future__ import annotations

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply
from ringfence.app.control.auth import operator_of
from ringfence.app.control.operators import operator_view
from ringfence.app.control.routes import Route
from ringfence.app.control.services import ControlServices
from ringfence.app.control.sessions import Sessions
from ringfence.app.control.shape import Field
from ringfence.core.model.operator import Operator


async def log_in(services: ControlServices, name: str, credential: str) -> Operator | None:
    """The operator of that name whose credential it is. One meaning for every failure."""
    operator = await operator_of(services, credential.strip())
    return operator if operator is not None and operator.name == name.strip() else None


def login_routes(sessions: Sessions) -> tuple[Route, ...]:
    """The routes that need the logins."""

    async def login(asked: Asked) -> Answer:
        operator = await log_in(asked.services, asked.body["operator"], asked.body["credential"])
        if operator is None:
            return Problem(ProblemCode.UNAUTHENTICATED, "operator or credential not accepted")
        return Reply(operator_view(operator), cookie=sessions.open(operator))

    return (
        Route(
            method="POST",
            path="/login",
            handler=login,
            role=None,
            summary="Log in with an operator's credential; the answer sets a cookie for twelve hours.",
            body=(
                Field("operator", "The operator's name.", required=True, most=60),
                Field("credential", "The credential that `operator add` showed.", required=True, most=200),
            ),
            answer="The operator.",
        ),
    )
