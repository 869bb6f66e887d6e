"""What the gateway says to a legacy client of the stdio bridge by itself: questions, and news on a stream of its own."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.bridged import Bridged

from ringfence.app.bridge.bridge import DONE
from ringfence.ports.upstream import Declined, Granted, Notice, NoticeKind, ServerRequest
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.library import DOCS, library_rules, library_upstreams
from ringfence.testing.serving import served
from ringfence.testing.world import World

FORM = {"message": "Your name?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}
CALL = {"name": "search", "arguments": {"text": "x"}}


@asynccontextmanager
async def greeted(folder: Path) -> AsyncGenerator[tuple[Bridged, FakeUpstream]]:
    """A legacy client of the library that answers forms, after its greeting."""
    world = await World.build(rules=library_rules(), upstreams=library_upstreams())
    path = folder / "agents.sock"
    async with served(world, agents_socket=path):
        bridged = Bridged(path, agent="writer", server="docs")
        hello = {
            "protocolVersion": "2025-11-25",
            "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "t", "version": "1"},
        }
        say(bridged, "initialize", hello, id=1)
        assert (await bridged.answer())["result"]["protocolVersion"] == "2025-11-25"
        say(bridged, "notifications/initialized", {})
        yield bridged, world.upstreams[DOCS]
        assert await bridged.end() == DONE


def say(bridged: Bridged, method: str, params: dict[str, Any], **identity: int) -> None:
    bridged.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **identity}).encode())


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (
            {"result": {"action": "accept", "content": {"name": "Ada"}}},
            Granted({"action": "accept", "content": {"name": "Ada"}}),
        ),
        ({"error": {"code": -1, "message": "not now"}}, Declined(-1, "not now")),
    ],
    ids=["result", "error"],
)
async def test_a_question_reaches_the_client_and_its_answer_the_server(
    tmp_path: Path, said: dict[str, Any], heard: Granted | Declined
) -> None:
    async with greeted(tmp_path) as (bridged, docs):
        docs.asks["search"] = ({"who": ServerRequest("elicitation/create", FORM)},)
        say(bridged, "tools/call", CALL, id=2)
        question = await bridged.answer()
        assert (question["method"], question["params"]["message"]) == ("elicitation/create", "[docs] Your name?")
        bridged.send(json.dumps({"jsonrpc": "2.0", "id": question["id"], **said}).encode())
        assert (await bridged.answer())["id"] == 2
        assert docs.answers == [{"who": heard}]


async def test_an_answer_to_nothing_harms_nothing(tmp_path: Path) -> None:
    async with greeted(tmp_path) as (bridged, _):
        bridged.send(b'{"jsonrpc":"2.0","id":"rf-guess","result":{}}')
        say(bridged, "ping", {}, id=3)
        assert await bridged.answer() == {"jsonrpc": "2.0", "id": 3, "result": {}}


async def test_a_change_is_told_without_being_asked(tmp_path: Path) -> None:
    async with greeted(tmp_path) as (bridged, docs):
        say(bridged, "resources/subscribe", {"uri": "memo:1"}, id=4)
        assert (await bridged.answer())["id"] == 4
        await docs.until_heard(frozenset({"memo:1"}))
        docs.announce(Notice(NoticeKind.UPDATED, "memo:1"))
        assert (await bridged.answer())["params"] == {"uri": "memo:1"}
