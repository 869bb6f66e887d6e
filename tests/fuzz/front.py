"""A gateway in-process, one hostile request at a time, and what may never happen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from tests.fuzz.requests import Wire, request

from ringfence.adapters.wire.jsonrpc import Notification, Request, classify
from ringfence.core.rules import ApprovalRules, Rules
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.errors import RequestError
from ringfence.ports.upstream import TOOLS_CALL, Sending, ServerRequest
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.library import WIKI, library_rules, library_upstreams
from ringfence.testing.scenario import ORDERS, SUPPORT, shop_rules, shop_upstreams
from ringfence.testing.world import World

OPEN_S = 0.1
"""A response that is still open after this long is one that stays open: its client leaves."""
STARVED = 100
"""How many times as long a response without a status line is waited for before it counts as no answer."""
AN_HOUR_MS = 3_600_000
SPINS = 200
"""Turns of the loop in which everything that has nothing left to wait for comes to its end."""
_OTHERS = ("raw_server", "BackChannel")
"""What the campaign runs beside the gateway."""
TOO_MANY = "too many sessions are open"


def _name(task: asyncio.Task[Any]) -> str:
    return str(getattr(task.get_coro(), "__qualname__", task))


def rules() -> Rules:
    """The shop and the library, all of it given to one agent."""
    shop, library = shop_rules(approvals=ApprovalRules(hold_s=0.0, legs=1)), library_rules()
    agent = replace(shop.agents[SUPPORT], tools=("orders.*", "payments.*", "docs.*", "wiki.*"))
    return replace(
        shop, servers={**shop.servers, **library.servers}, tools={**shop.tools, **library.tools}, agents={SUPPORT: agent}
    )


class Front:
    """One gateway with a run, a legacy session, and servers that write down what they execute."""

    def __init__(self, world: World, agent: Agent, before: set[asyncio.Task[Any]]) -> None:
        self.world = world
        self.agent = agent
        self._states: list[str] = []
        self._before = before
        self.executed = 0
        """How many requests got through to a server."""

    @classmethod
    async def build(cls) -> Front:
        before = asyncio.all_tasks()
        world = await World.build(rules=rules(), upstreams={**shop_upstreams(), **library_upstreams()})
        world.upstreams[ORDERS].release()
        world.upstreams[WIKI].asks["search"] = (
            {"q": ServerRequest("elicitation/create", {"message": "which?", "requestedSchema": {"type": "object"}})},
            {"s": ServerRequest("sampling/createMessage", {"maxTokens": 5, "messages": []})},
        )
        agent = Agent(gateway(world), await world.open_run())
        opened = await agent.initialize()
        assert opened.status == 200, opened.body
        return cls(world, agent, before)

    async def end(self) -> list[str]:
        """What is left under way when every life is over and the gateway has ended; empty: nothing."""
        self.world.clock.advance(AN_HOUR_MS)
        await self.agent.app.close()
        for _ in range(SPINS):
            await asyncio.sleep(0)
        left = {_name(task) for task in asyncio.all_tasks() - self._before if not task.done()}
        return [f"left_behind: {name}" for name in sorted(left) if not name.startswith(_OTHERS)]

    def draw(self, rng: Random) -> Wire:
        return request(rng, self.agent.credential, self.agent.session, self._states)

    async def send(self, wire: Wire) -> Exchange:
        """Send it, leave where the response stays open, and return when the application has."""
        exchange = start(self.agent.app, wire.verb, wire.path, wire.headers, wire.body)
        await asyncio.wait({exchange.task}, timeout=OPEN_S)
        for _ in range(STARVED):
            # A process that got no processor time for that long has not answered late: it has not run.
            if exchange.task.done() or exchange.status:
                break
            await asyncio.wait({exchange.task}, timeout=OPEN_S)
        if not exchange.task.done():
            exchange.leave()
        return await exchange.done()

    async def faults(self, wire: Wire) -> list[str]:
        """What went wrong with this request; empty: nothing."""
        try:
            exchange = await self.send(wire)
        except Exception as error:  # noqa: BLE001 - whatever leaves the application is the finding
            return [f"crash: {error!r}"]
        if b'"requestState"' in exchange.body and exchange.status == 200:
            self._states = [*self._states[-4:], exchange.answer["result"]["requestState"]]
        return [*self.faults_of(exchange), *self._not_ours(wire)]

    @staticmethod
    def faults_of(exchange: Exchange) -> list[str]:
        """What is wrong with an answer."""
        return list(_malformed(exchange))

    def _not_ours(self, wire: Wire) -> Iterator[str]:
        """What the servers have executed since the last request, judged by what a careless reader would have read."""
        executed = [sending for upstream in self.world.upstreams.values() for sending in upstream.executed]
        for upstream in self.world.upstreams.values():
            upstream.executed.clear()
        self.executed += len(executed)
        if len(executed) > 1:
            yield f"malformed: one request was executed {len(executed)} times"
        for sending in executed:
            if not _is_canonical(sending):
                yield f"not_canonical: {sending.arguments!r}"
            yield from _differential(wire, sending)


def _is_canonical(sending: Sending) -> bool:
    try:
        return sending.arguments == canonical_bytes(parse_strict(sending.arguments))
    except RequestError:
        return False


def _differential(wire: Wire, sending: Sending) -> Iterator[str]:
    """A parser that takes everything must have read the same request."""
    loose: Any = json.loads(wire.body)
    params = loose.get("params", {})
    expected: Any = None
    if sending.method == TOOLS_CALL:
        expected = params.get("arguments", {})
        if str(params.get("name")).rpartition("__")[2] != sending.tool:
            yield f"not_canonical: executed {sending.tool} for {wire.body!r}"
    elif wire.path != "/mcp":  # at `/mcp` names carry their server
        expected = {key: value for key, value in params.items() if key not in ("_meta", "requestState", "inputResponses")}
    if loose.get("method") != sending.method or (expected is not None and canonical_bytes(expected) != sending.arguments):
        yield f"not_canonical: executed {sending.method} {sending.arguments!r} for {wire.body!r}"


def _malformed(exchange: Exchange) -> Iterator[str]:
    status, kind = exchange.status, exchange.header("content-type")
    if status == 500:
        yield f"http_500: {exchange.body!r}"
    if status == 503 and TOO_MANY.encode() not in exchange.body:
        yield f"http_500: unavailable: {exchange.body!r}"
    if status == 0:
        yield "malformed: no answer"
    if kind == "application/json":
        yield from _messages([exchange.body], plain=True)
    elif kind == "text/event-stream":
        lines = exchange.body.split(b"\n")
        yield from _messages([line[6:] for line in lines if line.startswith(b"data: ")], plain=False)
        if strange := [line for line in lines if line and not line.startswith((b"data: ", b"event: ", b": "))]:
            yield f"malformed: a strange line on the stream: {strange[0]!r}"
    elif exchange.body and status not in (200,):
        yield f"malformed: a body of another kind: {status} {kind} {exchange.body!r}"


def _messages(texts: list[bytes], *, plain: bool) -> Iterator[str]:
    for text in texts:
        try:
            value = parse_strict(text)
            if plain and "jsonrpc" not in value:
                continue  # the routes of runs answer in JSON of their own
            message = classify(value)
        except RequestError as error:
            yield f"malformed: {error}: {text!r}"
            continue
        if plain and isinstance(message, Notification | Request):
            yield f"malformed: not an answer: {text!r}"
        if text != _as_written(value):
            yield f"malformed: not our own encoding: {text!r}"


def _as_written(value: dict[str, Any]) -> bytes:
    """A message as the gateway writes it: the envelope in its own order, everything inside canonical."""
    parts = [b"%b:%b" % (canonical_bytes(key), canonical_bytes(item)) for key, item in value.items()]
    return b"{" + b",".join(parts) + b"}"
