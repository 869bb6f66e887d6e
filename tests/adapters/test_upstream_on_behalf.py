"""A server over HTTP that is reached in the name of users: which credential stands in which request."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.wire.mcp import Era
from ringfence.core.model.identifiers import CallId
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.ports.secrets import Secret, SecretRef
from ringfence.ports.upstream import Answered, Failed, NotSent, Sending
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.secrets import FakeSecrets

OWN, TARGET = "Bearer gateways-own", "https://crm.example"


@dataclass
class Server:
    """An MCP server that remembers which credentials came with which method."""

    era: Era
    url: str = ""
    seen: list[tuple[str, tuple[str, ...]]] = field(default_factory=list[tuple[str, tuple[str, ...]]])
    refuses: str = ""
    """Not accepted: 401."""

    writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                pairs = [line.split(": ", 1) for line in head[1:] if line]
                length = int(next((value for name, value in pairs if name.lower() == "content-length"), "0"))
                body = json.loads(await reader.readexactly(length) or b"{}")
                given = tuple(value for name, value in pairs if name.lower() == "authorization")
                self.seen.append((body.get("method", head[0].split()[0]), given))
                status, answer = (401, b"") if self.refuses in given else self.answer(body)
                more = "mcp-session-id: s1\r\n" if self.era is Era.LEGACY else ""
                lines = f"content-type: application/json\r\n{more}content-length: {len(answer)}"
                writer.write(f"HTTP/1.1 {status} x\r\n{lines}\r\n\r\n".encode() + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(self, message: dict[str, Any]) -> tuple[int, bytes]:
        result: dict[str, Any]
        match message.get("method"):
            case "initialize":
                result = {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "s", "version": "1"},
                }
            case "server/discover":
                info = {"name": "s", "version": "1"}
                result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "serverInfo": info}
            case "tools/list":
                result = {"tools": [{"name": "look", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                result = {"content": []}
            case _:
                return 202, b""
        if self.era is Era.MODERN:
            result |= {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        return 200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()


@asynccontextmanager
async def reached(era: Era, target: str = TARGET) -> AsyncGenerator[tuple[Server, HttpUpstream]]:
    server = Server(era)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/mcp"
    book = SecretBook({"fake": FakeSecrets(own=OWN)}, FakeClock())
    late = book.values({"Authorization": SecretRef("fake:own"), "x-tenant": "t1"})
    upstream = HttpUpstream(HttpOptions(url=url, late_headers=late, era=era, on_behalf=target))
    try:
        yield server, upstream
    finally:
        await upstream.close()
        listening.close()
        for writer in server.writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in server.writers), return_exceptions=True)


def sending(token: str = "", principal: str = "run:r_a", refused: list[str] | None = None, target: str = TARGET) -> Sending:
    return Sending(
        call=CallId("c_1"),
        principal=principal,
        tool="look",
        arguments=b"{}",
        bearer=Secret(token) if token else None,
        bearer_for=target if token else "",
        on_refused=(lambda: refused.append(token)) if refused is not None else None,
        may_send=lambda: True,
        deadline_s=10,
    )


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("era", [Era.LEGACY, Era.MODERN])
async def test_whatever_is_sent_for_a_run_has_its_users_token_and_nothing_else_has(era: Era) -> None:
    async with reached(era) as (server, upstream):
        await upstream.describe()
        listed = len(server.seen)
        assert {given for _, given in server.seen} == {(OWN,)}
        assert isinstance(await upstream.call(sending("users-token")), Answered)
        assert {given for _, given in server.seen[listed:]} == {("Bearer users-token",)}
        assert [method for method, _ in server.seen[listed:]][-1] == "tools/call"
        await upstream.call(sending("another-users", "run:r_b"))
        assert server.seen[-1] == ("tools/call", ("Bearer another-users",))
        await upstream.describe()
        assert server.seen[-1][1] == (OWN,)


async def test_a_session_goes_on_with_the_next_token_of_its_user() -> None:
    async with reached(Era.LEGACY) as (server, upstream):
        await upstream.call(sending("first-token"))
        await upstream.call(sending("second-token"))
        assert [method for method, _ in server.seen].count("initialize") == 1
        assert server.seen[-1] == ("tools/call", ("Bearer second-token",))
        await upstream.forget("run:r_a")
        assert server.seen[-1] == ("DELETE", ("Bearer second-token",))


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("era", [Era.LEGACY, Era.MODERN])
async def test_without_a_users_token_or_with_one_for_somebody_else_nothing_is_sent(era: Era) -> None:
    async with reached(era) as (server, upstream):
        assert isinstance(await upstream.call(sending()), NotSent)
        assert isinstance(await upstream.call(sending("t", target="https://other.example")), NotSent)
        assert server.seen == []
    async with reached(era, target="") as (server, upstream):
        assert isinstance(await upstream.call(sending("t")), NotSent)
        assert server.seen == []


@pytest.mark.parametrize("era", [Era.LEGACY, Era.MODERN])
async def test_a_token_that_the_server_does_not_accept_is_said_so_and_our_own_stays(era: Era) -> None:
    async with reached(era) as (server, upstream):
        refused: list[str] = []
        await upstream.call(sending("good-token", refused=refused))
        server.refuses = "Bearer bad-token"
        assert isinstance(await upstream.call(sending("bad-token", refused=refused)), Failed)
        assert refused == ["bad-token"]
        assert isinstance(await upstream.call(sending("bad-token", "run:r_b", refused=refused)), Failed | NotSent)
        assert refused == ["bad-token", "bad-token"]
        await upstream.describe()
        assert server.seen[-1][1] == (OWN,)
