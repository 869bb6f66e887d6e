"""One request to a model while it is under way: everything that is known of it so far."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from ringfence.core.metering.rules import ModelRules
from ringfence.core.metering.stream import CutKind, MessageStream
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.stop import Reach
from ringfence.core.own_tools.modelling import Asked
from ringfence.engine.models.asking import Asking, Client
from ringfence.ports.model_upstream import ModelPost
from ringfence.ports.upstream import NotSent


@dataclass(slots=True, eq=False, kw_only=True)
class Work:
    """One request from its reading to its end."""

    post: ModelPost
    asking: Asking
    asked: Asked
    rules: ModelRules
    client: Client
    run: RunId | None = None
    reach: Reach | None = None
    """What stops it; None: it was not sent."""
    task: asyncio.Task[NotSent | None] | None = None
    """The exchange with the upstream, once the request was allowed."""
    ending: tuple[CutKind, str] | None = None
    """Why it is ended from our side."""
    stream: MessageStream = field(default_factory=MessageStream)
    has_begun: bool = False
    """The client has the beginning of a stream."""
    status: int = 0
    """0: no answer came."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    whole: bytes | None = None
    """The body of an answer that is no stream."""
    is_behind: bool = False
    """The client reads more slowly than the model writes: more may have come than was looked at."""
    tail: bytearray = field(default_factory=bytearray)
    """The end of a stream, kept back until the outcome is recorded."""

    def cut(self, kind: CutKind, message: str) -> None:
        """End it now. The first reason stands."""
        if self.ending is None and self.task is not None and not self.task.done():
            self.ending = (kind, message)
            self.task.cancel()
