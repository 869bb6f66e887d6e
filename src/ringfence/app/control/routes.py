"""What a route is: one row of the table that serving, authorising and the OpenAPI document all read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ringfence.app.control.answer import Answer, Asked
from ringfence.app.control.shape import Field
from ringfence.core.model.operator import Role

Handler = Callable[[Asked], Awaitable[Answer]]

PREFIX = "/api/v1"
_RANK = {Role.VIEWER: 0, Role.APPROVER: 1, Role.ADMIN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path."""

    method: str
    path: str
    """With `{name}` parts, below `PREFIX` unless `bare`."""
    handler: Handler
    summary: str
    role: Role | None = Role.VIEWER
    """The least role; None: nobody needs to be known."""
    body: tuple[Field, ...] | None = None
    """None: the request has no body."""
    query: tuple[Field, ...] = ()
    answer: str = ""
    """What the answer holds, for the OpenAPI document."""
    bare: bool = False
    for_scraper: bool = False
    """Open to whoever has the scraper's token too."""
    bootstrap: bool = False
    """Open to the gateway's own user while no operator exists."""

    @property
    def full_path(self) -> str:
        return self.path if self.bare else PREFIX + self.path


def is_at_least(role: Role, least: Role) -> bool:
    """Each role includes the one before."""
    return _RANK[role] >= _RANK[least]
