"""People with roles."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply, refused
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import Field, Kind
from ringfence.app.control.times import iso
from ringfence.core.model.operator import Operator, Role
from ringfence.engine.runs.runs import NotDone


async def who_am_i(asked: Asked) -> Answer:
    return Reply(operator_view(asked.who))


async def list_operators(asked: Asked) -> Answer:
    return Reply({"operators": [operator_view(operator) for operator in await asked.services.operators.all()]})


async def add_operator(asked: Asked) -> Answer:
    """The first operator is an admin and is bound to the local user who adds it; later ones only where `uid` says so."""
    role = Role(asked.body["role"])
    uid: int | None = asked.body.get("uid")
    if asked.bootstrap is not None:
        if role is not Role.ADMIN:
            why = "the first operator has to be an admin"
            return Problem(ProblemCode.REFUSED, why, f"`ringfence operator add {asked.body['name']} --role admin`")
        uid = asked.body.get("uid", asked.bootstrap.uid)
    added = await asked.services.operators.add(asked.body["name"], role, uid=uid, by=asked.by)
    if isinstance(added, NotDone):
        return refused(added)
    operator, credential = added
    return Reply({**operator_view(operator), "credential": credential})


async def remove_operator(asked: Asked) -> Answer:
    removed = await asked.services.operators.remove(asked.path["name"], by=asked.by)
    return refused(removed) if isinstance(removed, NotDone) else Reply(operator_view(removed))


def operator_view(operator: Operator) -> dict[str, Any]:
    """Never the credential's hash."""
    known = {"name": operator.name, "role": operator.role.value, "uid": operator.uid, "added_at": iso(operator.added_at)}
    return {**known, "shown": operator.shown, "groups": list(operator.groups)} if operator.shown or operator.groups else known


ROUTES = (
    Route(method="GET", path="/operators", handler=list_operators, summary="Everybody with a role.", answer="`operators`."),
    Route(method="GET", path="/whoami", handler=who_am_i, summary="The operator that is asking.", answer="The operator."),
    Route(
        method="POST",
        path="/operators",
        handler=add_operator,
        role=Role.ADMIN,
        bootstrap=True,
        summary="Add an operator; the credential is shown this once.",
        body=(
            Field("name", "Lower-case letters, digits, dot, dash, underscore.", required=True, most=60),
            Field("role", "Each role includes the one before.", required=True, choices=tuple(role.value for role in Role)),
            Field(
                "uid",
                "The local user that is this person on the unix socket. The first operator is bound to whoever adds it.",
                Kind.INTEGER,
                most=2**32 - 2,
                nullable=True,
            ),
        ),
        answer="The operator and its `credential`.",
    ),
    Route(
        method="DELETE",
        path="/operators/{name}",
        handler=remove_operator,
        role=Role.ADMIN,
        summary="Remove an operator; the last admin stays.",
        answer="The operator that was removed.",
    ),
)
