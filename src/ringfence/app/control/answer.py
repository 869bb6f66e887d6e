"""What a handler is asked and what it answers. No HTTP library: a handler is a function from values to a value."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ringfence.app.control.services import ControlServices
from ringfence.core.model.operator import Operator
from ringfence.engine.runs.runs import NotDone


class ProblemCode(StrEnum):
    """Why a request was not done. Closed: `STATUS` has one HTTP status for each."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD = "method"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    ORIGIN = "origin"
    HOST = "host"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


STATUS: Mapping[ProblemCode, int] = {
    ProblemCode.MALFORMED: 400,
    ProblemCode.UNAUTHENTICATED: 401,
    ProblemCode.FORBIDDEN: 403,
    ProblemCode.NOT_FOUND: 404,
    ProblemCode.METHOD: 405,
    ProblemCode.REFUSED: 409,
    ProblemCode.TOO_LARGE: 413,
    ProblemCode.ORIGIN: 403,
    ProblemCode.HOST: 421,
    ProblemCode.UNAVAILABLE: 503,
    ProblemCode.INTERNAL: 500,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A request that was not done, with what to do about it."""

    code: ProblemCode
    message: str
    remedy: str = ""

    @property
    def status(self) -> int:
        return STATUS[self.code]

    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code.value, "message": self.message, "remedy": self.remedy}}


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON answer. `cookie` sets the login cookie; empty text removes it."""

    body: Any
    status: int = 200
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """A long answer: one JSON text a line."""

    lines: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is no JSON."""

    body: bytes
    media_type: str


Answer = Reply | Lines | Text | Problem


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The gateway's own user, or root, while no operator exists: may add the first admin and nothing else."""

    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, read and allowed by role. `operator` is None on routes that need nobody."""

    services: ControlServices
    operator: Operator | None = None
    bootstrap: Bootstrap | None = None
    peer_uid: int | None = None
    """The user at the other end of the unix socket; None over TCP."""
    credential: str = ""
    """What the request showed: a bearer, else the login cookie; empty: nothing."""
    path: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def who(self) -> Operator:
        """The operator of a route that needs one."""
        assert self.operator is not None  # INVARIANT: `resource` lets nobody else through
        return self.operator

    @property
    def by(self) -> str:
        """As entries name the caller."""
        if self.operator is not None:
            return f"operator:{self.operator.name}"
        return f"uid:{self.bootstrap.uid}" if self.bootstrap is not None else ""


def refused(not_done: NotDone) -> Problem:
    """An engine's refusal as an answer."""
    return Problem(ProblemCode.REFUSED, not_done.why, not_done.remedy)


def not_found(what: str, remedy: str = "") -> Problem:
    return Problem(ProblemCode.NOT_FOUND, what, remedy)
