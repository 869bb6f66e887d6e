"""Uses that were let through, in their clients' hands: found again by what a later hook tells."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.core.model.identifiers import CallId, Digest, RunId, ToolId
from ringfence.core.model.local import Judgement
from ringfence.core.model.stop import Reach
from ringfence.core.strict_json.canonical import digest_of
from ringfence.engine.local.asked import ToolUse
from ringfence.engine.outcome import Outcome
from ringfence.errors import RequestError
from ringfence.ports.upstream import Reply, Unknown


@dataclass(slots=True, eq=False, kw_only=True)
class Work:
    """One use on its way through the enforcer, or in its client's hands."""

    run: RunId
    conversation: str
    agent: str
    use: str
    key: Digest
    judgement: Judgement | None
    content: str | None
    granted: asyncio.Future[bytes]
    """The arguments as they were decided, once the client may go on."""
    reply: asyncio.Future[Reply]
    """What the client tells of it."""
    tool: ToolId
    reach: Reach | None = None
    task: asyncio.Task[Outcome] | None = None
    call: CallId | None = None
    is_gone: bool = False
    """Nobody waits for the answer any more, so nobody would carry it out."""

    def end(self, reply: Reply) -> None:
        """The first word counts."""
        if not self.reply.done():
            self.reply.set_result(reply)


class UnderWay:
    """Of all runs. The newest of a run is the last."""

    def __init__(self) -> None:
        self._by_run: dict[RunId, dict[CallId, Work]] = {}

    def __len__(self) -> int:
        return sum(len(of_run) for of_run in self._by_run.values())

    def __iter__(self) -> Iterator[Work]:
        return iter([work for of_run in self._by_run.values() for work in of_run.values()])

    def of(self, run: RunId) -> list[Work]:
        return list(self._by_run.get(run, {}).values())

    def add(self, call: CallId, work: Work) -> None:
        self._by_run.setdefault(work.run, {})[call] = work

    def remove(self, call: CallId, work: Work) -> None:
        of_run = self._by_run[work.run]
        del of_run[call]
        if not of_run:
            del self._by_run[work.run]

    def get(self, call: CallId) -> Work | None:
        return next((of_run[call] for of_run in self._by_run.values() if call in of_run), None)

    def find(self, run: RunId, use: ToolUse) -> Work | None:
        """By the model's id; of a client that says none, the oldest with just this input."""
        of_run = [work for work in self.of(run) if not work.reply.done()]
        if use.use:
            return next((work for work in reversed(of_run) if work.use == use.use), None)
        try:
            key = key_of(use.client_tool, use.input)
        except RequestError:
            return None
        return next((work for work in of_run if work.key == key), None)

    def holds(self, run: RunId, client_tool: str, given_input: Mapping[str, Any]) -> bool:
        """Whether just this use is in its client's hands."""
        key = key_of(client_tool, given_input)
        return any(work.key == key for work in self.of(run))

    def end(self, run: RunId, why: str, *, conversation: str | None = None, agent: str | None = None) -> None:
        """Nothing more will be told of a run's uses; of one conversation of its client, or of one agent in it, where given."""
        for work in self.of(run):
            if conversation in (None, work.conversation) and agent in (None, work.agent):
                work.end(Unknown(why))


def key_of(client_tool: str, given_input: Mapping[str, Any]) -> Digest:
    """By what a use is known where a client gives it no id. Raises RequestError."""
    return digest_of({"tool": client_tool, "input": dict(given_input)})
