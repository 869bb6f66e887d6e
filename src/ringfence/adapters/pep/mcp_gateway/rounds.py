"""Calls of modern clients that wait for their client's answers: each question ends a leg, the retry resumes the very same call.

The call itself stays where it was, suspended in its own task: one decision, one entry, one upstream request. Suspended calls
are bounded in number and life; one that nobody comes back for is cancelled, and recorded as such.

Source: MCP 2026-07-28, multi round-trip requests.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.adapters.pep.mcp_gateway.client_capabilities import can_answer
from ringfence.adapters.pep.mcp_gateway.client_results import have_models, is_answer
from ringfence.adapters.pep.mcp_gateway.gate import Gate
from ringfence.adapters.pep.mcp_gateway.outlet import Outlet
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.wire.mcp_names import INTERNAL_ERROR, MISSING_REQUIRED_CLIENT_CAPABILITY
from ringfence.core.model.identifiers import RunId
from ringfence.engine.outcome import Outcome
from ringfence.engine.request import ClientSide
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.upstream import ClientAnswer, Declined, Granted, ServerRequest

_KEY_LIMIT = 128
CLOSE_S = 5.0
"""How long the end of suspended calls may take to be recorded when the gateway stops."""


@dataclass(frozen=True, slots=True)
class Asks:
    """The call is suspended until its client answers."""

    key: str
    requests: Mapping[str, ServerRequest]


@dataclass(slots=True, eq=False)
class _Suspended:
    """One call, from its first question to its end."""

    key: str
    run: RunId
    capabilities: Mapping[str, Any]
    offered: Mapping[str, Any]
    """Answers that came with the first request; they are used for the first question only."""
    outlet: Outlet
    lock: asyncio.Lock
    asking: asyncio.Event
    task: asyncio.Task[Outcome] | None = None
    requests: Mapping[str, ServerRequest] | None = None
    answers: asyncio.Future[Mapping[str, ClientAnswer]] | None = None
    life: asyncio.Task[None] | None = None


class Rounds:
    """All suspended calls of one gateway."""

    def __init__(self, clock: Clock, entropy: Entropy, limits: GatewayLimits) -> None:
        self._clock = clock
        self._entropy = entropy
        self._total = limits.rounds
        self._life_s = limits.state_s
        self._per_run: Gate[RunId] = Gate(limits.rounds_per_run)
        self._held: dict[str, _Suspended] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._held)

    async def begin(
        self,
        run: RunId,
        capabilities: Mapping[str, Any],
        offered: Mapping[str, Any],
        outlet: Outlet,
        act: Callable[[ClientSide], Awaitable[Outcome]],
    ) -> Outcome | Asks | None:
        """Run a call that may ask its client; what it comes to, or its first question."""
        key = base64.urlsafe_b64encode(self._entropy.token(18)).decode()
        suspended = _Suspended(key, run, capabilities, offered, outlet, asyncio.Lock(), asyncio.Event())

        async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
            return await self._ask(suspended, requests)

        async def run_it() -> Outcome:
            return await act(outlet.client(capabilities, ask))

        suspended.task = asyncio.create_task(run_it())
        return await self._leg(suspended)

    async def resume(self, key: str, responses: Mapping[str, Any], outlet: Outlet) -> Outcome | Asks | None:
        """Go on with the client's answers; the same question where one is missing; None for a call that is gone."""
        suspended = self._held.get(key)
        if suspended is None or suspended.requests is None or suspended.answers is None or suspended.task is None:
            return None
        wanted = suspended.requests
        if not suspended.task.done():
            if not all(is_answer(request.method, responses.get(name)) for name, request in wanted.items()):
                return Asks(key, wanted)
            suspended.outlet.follow(outlet)
            suspended.asking.clear()
            suspended.answers.set_result({name: Granted(responses[name]) for name in wanted})
        self._release(suspended)
        return await self._leg(suspended)

    async def _leg(self, suspended: _Suspended) -> Outcome | Asks | None:
        """Wait until the call ends or asks. A client that leaves takes it back; that is recorded before anybody hears of it."""
        task = suspended.task
        assert task is not None  # INVARIANT: set before the first leg
        asks = asyncio.ensure_future(suspended.asking.wait())
        try:
            await asyncio.wait({task, asks}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        finally:
            asks.cancel()
        if task.done():
            return None if task.cancelled() else task.result()
        assert suspended.requests is not None  # INVARIANT: set before `asking`
        suspended.outlet.detach()
        return Asks(suspended.key, suspended.requests)

    async def _ask(self, suspended: _Suspended, requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        await have_models()
        async with suspended.lock:
            answers, left = _answered_at_once(suspended, requests)
            if not left:
                return answers
            if not self._hold(suspended):
                text = "the gateway is stopping" if self._closed else "too many questions are open"
                return {**answers, **dict.fromkeys(left, Declined(INTERNAL_ERROR, text))}
            suspended.requests = left
            suspended.answers = asyncio.get_running_loop().create_future()
            suspended.asking.set()
            try:
                return {**answers, **await suspended.answers}
            finally:
                suspended.asking.clear()

    def _hold(self, suspended: _Suspended) -> bool:
        if self._closed or len(self._held) >= self._total or not self._per_run.enter(suspended.run):
            return False
        self._held[suspended.key] = suspended
        suspended.life = asyncio.create_task(self._expire(suspended))
        return True

    def _release(self, suspended: _Suspended) -> None:
        if self._held.pop(suspended.key, None) is not None:
            self._per_run.leave(suspended.run)
        if suspended.life is not None:
            suspended.life.cancel()

    async def close(self) -> None:
        """End every suspended call, and suspend no more: nobody could come back. Each is recorded before this returns."""
        self._closed = True
        tasks: list[asyncio.Task[Outcome]] = []
        for suspended in list(self._held.values()):
            self._release(suspended)
            if suspended.task is not None:
                suspended.task.cancel()
                tasks.append(suspended.task)
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_S)

    async def _expire(self, suspended: _Suspended) -> None:
        await self._clock.sleep(self._life_s)
        suspended.life = None
        self._release(suspended)
        if suspended.task is not None:
            suspended.task.cancel()


def _answered_at_once(
    suspended: _Suspended, requests: Mapping[str, ServerRequest]
) -> tuple[dict[str, ClientAnswer], dict[str, ServerRequest]]:
    """What can be answered without the client, and what is left to ask it."""
    offered, suspended.offered = suspended.offered, {}
    answers: dict[str, ClientAnswer] = {}
    left: dict[str, ServerRequest] = {}
    for key, request in requests.items():
        if len(key) > _KEY_LIMIT or not can_answer(suspended.capabilities, request):
            answers[key] = Declined(MISSING_REQUIRED_CLIENT_CAPABILITY, "the client does not have this capability")
        elif is_answer(request.method, offered.get(key)):
            answers[key] = Granted(offered[key])
        else:
            left[key] = request
    return answers, left
