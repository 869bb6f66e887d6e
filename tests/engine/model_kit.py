"""A model that says what a test puts into it, a client that keeps what it is given, and what the run was charged."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from ringfence.core.metering.request import ModelRequest, read_request
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule
from ringfence.core.model.agent import Limits
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits
from ringfence.core.own_tools.modelling import Act
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.models.asking import Asking, Given
from ringfence.engine.runs.runs import Opened
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditLog
from ringfence.ports.model_upstream import Lost, ModelPost, ModelUpstream, Unsent
from ringfence.ports.store import Store
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World, presented

MODEL = "claude-sonnet-4-5"
CAPS = tuple(ModelCap(kind, 10**9) for kind in (MeterKind.SPEND, MeterKind.TOKENS_IN, MeterKind.TOKENS_OUT))
START = b'event: message_start\ndata: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":7}}}\n\n'
PART = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}\n\n'
)
SHOWN = len(b'x"}}')
"""Bytes of a piece that a model may have written."""
TOTALS = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}\n\n'
)
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
LATE_S = 60.0
"""A test that waits longer has hung."""
THOUGHT_DATA = b'{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}'
THOUGHT = b"event: content_block_start\ndata: " + THOUGHT_DATA + b"\n\n"


class Answer:
    """One that says what the test puts into it, piece by piece."""

    def __init__(self, headers: Mapping[str, str] | None = None, status: int = 200) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"content-type": "text/event-stream"} if headers is None else headers
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = asyncio.Event()

    def says(self, *pieces: bytes) -> Self:
        for piece in pieces:
            self.pieces.put_nowait(piece)
        return self

    async def read(self) -> bytes:
        return await self.pieces.get()

    def close(self) -> None:
        self.closed.set()


class Breaking(Answer):
    """One that breaks off after what it says."""

    async def read(self) -> bytes:
        if self.pieces.empty():
            raise UnavailableError("it broke off")
        return await self.pieces.get()


class Model:
    """A model API that gives one answer."""

    def __init__(self, answer: Answer | Unsent | Lost) -> None:
        self.answer = answer
        self.sent: list[ModelPost] = []
        self.is_closed = False
        self.was_asked = asyncio.Event()

    async def send(self, post: ModelPost, may_send: Callable[[], bool]) -> Answer | Unsent | Lost:
        if not may_send():
            return Unsent("stopped")
        self.was_asked.set()
        self.sent.append(post)
        return self.answer

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class Reader:
    """A client that keeps what it is given."""

    is_gone: bool = False
    data: bytes = b""
    ended: bytes | None = None
    at_once: bool = False
    gone: Callable[[], None] | None = None
    got: asyncio.Event = field(default_factory=asyncio.Event)

    def watch(self, gone: Callable[[], None]) -> None:
        self.gone = gone

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        pass

    async def write(self, data: bytes) -> None:
        if not self.is_gone:
            self.data += data
        self.got.set()

    async def break_off(self, last: bytes, *, at_once: bool) -> None:
        self.ended, self.at_once = last, at_once

    def leave(self) -> None:
        self.is_gone = True
        assert self.gone is not None
        self.gone()


def rules_for(*models: str, caps: tuple[ModelCap, ...] = CAPS) -> Rules:
    limits = Limits(model=ModelLimits(caps=caps))
    asks = AgentRule(id=SUPPORT, purpose="asks models", tools=(), models=models or ("*",), limits=limits)
    return replace(shop_rules(agents=(asks,)), models=ModelRules(upstreams=(ModelUpstreamRule(name="vendor"),)))


async def world_with(
    model: ModelUpstream,
    *models: str,
    store: tuple[Store, AuditLog] | None = None,
    caps: tuple[ModelCap, ...] = CAPS,
) -> tuple[World, Opened]:
    """A run of an agent that may ask this model; `store`: where all of it is kept."""
    world = await World.build(rules=rules_for(*models, caps=caps), models={"vendor": model}, store=store)
    return world, await world.open_run()


async def ask(world: World, run: Opened, client: Reader, **members: Any) -> Given:
    messages = [{"role": "user", "content": "the words of the prompt"}]
    body = json.dumps({"model": MODEL, "max_tokens": 400, "stream": True, "messages": messages, **members}).encode()
    request = read_request(body)
    assert isinstance(request, ModelRequest)
    asking = Asking(act=Act.MESSAGES, request=request, digest=hashlib.sha256(body).hexdigest(), said={"session": "s1"})
    post = ModelPost(method="POST", target="/v1/messages", body=body)
    async with asyncio.timeout(LATE_S):
        return await world.models.ask(presented(run), post, asking, client)


async def used(world: World, run: Opened) -> dict[str, tuple[int, int]]:
    """Held and spent of what goes in and out."""
    names = ("tokens_in", "tokens_out")
    meters = await world.store.meters([f"{name}:run/{run.run.id}:all" for name in names])
    return {
        name: (meter.held, sum(count for _, count in meter.parts)) for name, meter in zip(names, meters, strict=True) if meter
    }


async def outcome(world: World) -> dict[str, Any]:
    (entry,) = [entry for entry in await world.entries() if entry["kind"] == "outcome"]
    return entry["body"]


async def assert_lost(world: World, run: Opened, why: str) -> None:
    """Nobody can know what came of it: the log says so, and what it held is spent."""
    (decision, entry) = [entry for entry in await world.entries() if entry["kind"] in ("decision", "outcome")]
    assert (entry["decision"], entry["body"]["why"]) == ("ambiguous", why)
    assert "model" not in entry["body"]
    most = decision["body"]["arguments"]["most"]
    assert await used(world, run) == {name: (0, most[name]) for name in ("tokens_in", "tokens_out")}
    assert await world.store.holds() == {}
