"""The stdio bridge keeps its client's change notices going when the stream that carries them is lost."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import CLIENT_CAPABILITIES_META_KEY, PROTOCOL_VERSION_META_KEY
from tests.integration.bridged import Bridged

from ringfence.app.bridge.bridge import DONE
from ringfence.ports.upstream import Notice, NoticeKind
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.gateway import LEGACY, MODERN
from ringfence.testing.library import DOCS, library_rules, library_upstreams
from ringfence.testing.serving import served
from ringfence.testing.world import World

MEMO = frozenset({"memo:1"})
CHANGED = {f"notifications/{name}/list_changed" for name in ("tools", "prompts", "resources")}


class Relay:
    """A unix socket in front of another, whose connections a test can cut."""

    def __init__(self, inner: Path) -> None:
        self._inner = inner
        self._open: set[asyncio.StreamWriter] = set()
        self.refusing = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.close()
            return
        back, forth = await asyncio.open_unix_connection(str(self._inner))
        self._open |= {writer, forth}
        await asyncio.gather(self._pump(reader, forth), self._pump(back, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(1 << 16):
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def cut(self) -> None:
        for writer in tuple(self._open):
            writer.transport.abort()


@asynccontextmanager
async def cuttable(folder: Path) -> AsyncGenerator[tuple[Bridged, Relay, FakeUpstream]]:
    """A bridge to the library at `/mcp/docs`, over a connection that can be cut."""
    world = await World.build(rules=library_rules(), upstreams=library_upstreams())
    inner, outer = folder / "inner.sock", folder / "agents.sock"
    async with served(world, agents_socket=inner):
        relay = Relay(inner)
        server = await asyncio.start_unix_server(relay.serve, path=str(outer))
        bridged = Bridged(outer, agent="writer", server="docs", back_off_s=0.02)
        try:
            yield bridged, relay, world.upstreams[DOCS]
            assert await bridged.end() == DONE
        finally:
            server.close()
            relay.cut()


def say(bridged: Bridged, method: str, params: dict[str, Any], **identity: int) -> None:
    bridged.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **identity}).encode())


async def methods(bridged: Bridged, count: int) -> set[str]:
    return {(await bridged.answer())["method"] for _ in range(count)}


async def test_a_legacy_client_hears_on_and_is_told_what_it_may_have_missed(tmp_path: Path) -> None:
    async with cuttable(tmp_path) as (bridged, relay, docs):
        say(
            bridged,
            "initialize",
            {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
            id=1,
        )
        assert (await bridged.answer())["id"] == 1
        say(bridged, "notifications/initialized", {})
        say(bridged, "resources/subscribe", {"uri": "memo:1"}, id=2)
        assert (await bridged.answer())["id"] == 2
        for _ in range(2):
            await docs.until_heard(MEMO)
            docs.announce(Notice(NoticeKind.UPDATED, "memo:1"))
            assert (await bridged.answer())["params"] == {"uri": "memo:1"}
            relay.cut()
            assert await methods(bridged, 3) == CHANGED


async def test_a_gateway_that_is_away_for_a_while_is_found_again(tmp_path: Path) -> None:
    async with cuttable(tmp_path) as (bridged, relay, docs):
        say(
            bridged,
            "initialize",
            {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
            id=1,
        )
        await bridged.answer()
        say(bridged, "notifications/initialized", {})
        say(bridged, "resources/subscribe", {"uri": "memo:1"}, id=2)
        await bridged.answer()
        await docs.until_heard(MEMO)
        relay.refusing = True
        relay.cut()
        say(bridged, "ping", {}, id=3)
        assert "not reachable" in (await bridged.answer())["error"]["message"]
        relay.refusing = False
        assert await methods(bridged, 3) == CHANGED


async def test_a_modern_subscription_outlives_its_stream_and_is_acknowledged_once(tmp_path: Path) -> None:
    async with cuttable(tmp_path) as (bridged, relay, docs):
        meta = {PROTOCOL_VERSION_META_KEY: MODERN, CLIENT_CAPABILITIES_META_KEY: {}}
        wanted = {"toolsListChanged": True, "resourceSubscriptions": ["memo:1"]}
        say(bridged, "subscriptions/listen", {"notifications": wanted, "_meta": meta}, id=7)
        first = await bridged.answer()
        assert first["method"] == "notifications/subscriptions/acknowledged"
        for _ in range(2):
            await docs.until_heard(MEMO)
            relay.cut()
            told = [await bridged.answer(), await bridged.answer()]
            assert [notice["method"] for notice in told] == [
                "notifications/tools/list_changed",
                "notifications/resources/updated",
            ]
            assert all(notice["params"]["_meta"] == {SUBSCRIPTION_ID_META_KEY: 7} for notice in told)
        docs.announce(Notice(NoticeKind.UPDATED, "memo:1"))
        assert (await bridged.answer())["params"]["uri"] == "memo:1"
        say(bridged, "notifications/cancelled", {"requestId": 7, "_meta": meta})
        say(bridged, "tools/list", {"_meta": meta}, id=8)
        assert (await bridged.answer())["id"] == 8


async def test_a_subscription_that_was_never_acknowledged_fails_at_once(tmp_path: Path) -> None:
    async with cuttable(tmp_path) as (bridged, relay, _):
        meta = {PROTOCOL_VERSION_META_KEY: MODERN, CLIENT_CAPABILITIES_META_KEY: {}}
        say(bridged, "tools/list", {"_meta": meta}, id=1)
        await bridged.answer()
        relay.refusing = True
        relay.cut()
        say(bridged, "subscriptions/listen", {"notifications": {"toolsListChanged": True}, "_meta": meta}, id=2)
        answer = await bridged.answer()
        assert (answer["id"], "not reachable" in answer["error"]["message"]) == (2, True)
        relay.refusing = False
