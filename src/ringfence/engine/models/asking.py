"""Between the messages proxy and the calls of models: a request as it was read, who waits for it, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from ringfence.core.ledger.model_caps import Room
from ringfence.core.mcp.client_meta import NO_META, ClientMeta
from ringfence.core.metering.request import ModelRequest
from ringfence.core.metering.stream import CutKind
from ringfence.core.model.identifiers import CallId
from ringfence.core.model.stop import Reach
from ringfence.core.observing.secrets import Handled
from ringfence.core.own_tools.modelling import Act, Asked
from ringfence.engine.identity.identify import Presented
from ringfence.engine.outcome import Outcome

NOT_RECORDED: Final = "what came of this could not be recorded, so the answer is kept back; it may have been billed"


class Client(Protocol):
    """Whoever waits for an answer. Only a stream begins before its outcome is known."""

    @property
    def is_gone(self) -> bool: ...

    def watch(self, gone: Callable[[], None]) -> None:
        """Have something told when it goes away."""
        ...

    async def begin(self, status: int, headers: Mapping[str, str]) -> None: ...

    async def write(self, data: bytes) -> None:
        """Waits while it reads more slowly. To one that is gone, nothing is written."""
        ...

    async def break_off(self, last: bytes, *, at_once: bool) -> None:
        """End what was begun. `at_once`: what it has not taken yet, it does not get any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What was read of a request."""

    act: Act
    request: ModelRequest | None = None
    """None: it names no model."""
    digest: str
    """SHA-256 of its body; empty: it has none."""
    said: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the client says of itself: recorded, not believed."""
    meta: ClientMeta = NO_META
    """The client's trace, for people's tools; no model is told."""
    secrets: Handled | None = None
    """What became of secrets in it; None: there were none."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer, or the end of one."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """What came of a request."""

    outcome: Outcome
    answer: Whole | None = None
    """To be given out now that it is recorded. None: there is none, or what was begun has been ended."""
    has_begun: bool = False
    """The client has the beginning: `answer` is the rest."""
    cut: CutKind | None = None
    """Why it was ended from our side."""
    reach: Reach | None = None
    """What stops it while it is given out. None: nothing of a model's is given out."""


Begun = Callable[[CallId, Asked], None]
Smaller = Callable[[Room], Asked | None]


class Ask(Protocol):
    """The enforcer's way for a request. `begun` is told which call it is and how it is asked, before it is decided."""

    async def __call__(
        self, presented: Presented, given: Asked, smaller: Smaller, begun: Begun, meta: ClientMeta
    ) -> Outcome: ...
