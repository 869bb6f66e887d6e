"""The HTTP upstream: its headers, its sessions, its guard, its eras."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.servers.raw_http import Exchange, fine, handshake, raw_server, response, result

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.wire.mcp import Era
from ringfence.errors import ConfigError, UnavailableError
from ringfence.ports.upstream import Answered, Failed, NotSent, Unknown
from ringfence.testing.contracts.upstream import sending

ERAS = pytest.mark.parametrize("era", [Era.MODERN, Era.LEGACY])


def answering_well(era: Era) -> Any:
    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=era is Era.LEGACY):
            exchange.writer.write(response(json.dumps(fine(exchange)).encode()))

    return answering


# --- the guard


@ERAS
@pytest.mark.requirement("I6")
async def test_no_byte_of_a_withheld_call_reaches_the_server(era: Era) -> None:
    async with raw_server(answering_well(era)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        await upstream.call(sending("echo"))
        before = len(server.received)
        for _ in range(20):
            reply = await upstream.call(sending("echo", {"secret": "canary"}, may_send=lambda: False))
            assert isinstance(reply, NotSent)
        assert isinstance(await upstream.call(sending("echo", {"n": 2})), Answered)
        await upstream.close()
        after = bytes(server.received[before:])
    assert b"canary" not in after
    assert after.count(b"POST /mcp") == 1


@ERAS
@pytest.mark.requirement("I6")
async def test_the_last_look_comes_after_every_wait_for_the_connection_and_the_session(era: Era) -> None:
    order: list[str] = []

    async def answering(exchange: Exchange) -> None:
        order.append(exchange.message.get("method", exchange.method))
        await answering_well(era)(exchange)

    def look() -> bool:
        order.append("look")
        return True

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        await upstream.call(sending("echo", may_send=look))
        await upstream.close()
    assert order[order.index("look") + 1] == "tools/call"
    assert order.index("look") > 0


@ERAS
@pytest.mark.requirement("I6")
async def test_bytes_still_in_the_transport_never_leave_after_a_cancellation(era: Era) -> None:
    """The body is larger than the sockets hold, and the server does not read: most of it waits in our transport."""
    looked = asyncio.Event()
    release = asyncio.Event()
    got: list[int] = []

    async def answering(exchange: Exchange) -> None:
        await answering_well(era)(exchange)
        if exchange.message.get("method") == "tools/call":
            got.append(len(exchange.body))
        if exchange.message.get("method") in ("tools/list", "notifications/initialized"):
            # From here on this connection reads nothing.
            await release.wait()

    def look() -> bool:
        looked.set()
        return True

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, cancel_s=0.2, max_connections=1))
        call = asyncio.create_task(upstream.call(sending("echo", {"text": "x" * 30_000_000}, may_send=look)))
        await looked.wait()
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        release.set()
        await server.closed.wait()
        await upstream.close()
    assert got == []


@ERAS
async def test_a_call_cancelled_while_connecting_sends_nothing(era: Era) -> None:
    arrived = asyncio.Event()

    async def answering(exchange: Exchange) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        asked: list[bool] = []
        call = asyncio.create_task(upstream.call(sending("echo", may_send=lambda: bool(asked.append(True)))))
        await arrived.wait()
        call.cancel()
        await asyncio.wait([call])
        await upstream.close()
    assert call.cancelled()
    assert asked == []


# --- what goes out


@pytest.mark.attack("A8")
async def test_modern_headers_are_built_from_nothing_and_the_credential() -> None:
    async with raw_server(answering_well(Era.MODERN)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, headers={"Authorization": "Bearer ours"}))
        await upstream.call(sending("grüße.tool"))
        await upstream.close()
        call = next(exchange for exchange in server.seen if exchange.message["method"] == "tools/call")
    names = [name for name, _ in call.headers]
    plain = ["accept", "accept-encoding", "authorization", "content-length", "content-type", "host"]
    assert sorted(names) == [*plain, "mcp-method", "mcp-name", "mcp-protocol-version"]
    assert call.header("authorization") == "Bearer ours"
    assert call.header("mcp-name") == "=?base64?Z3LDvMOfZS50b29s?="
    meta = call.message["params"]["_meta"]
    assert meta["io.modelcontextprotocol/clientCapabilities"] == {}


async def test_declared_parameter_headers_are_computed_from_the_arguments() -> None:
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    broken = {"type": "object", "properties": {"region": {"type": "number", "x-mcp-header": "Region"}}}
    tools = [{"name": "routed", "inputSchema": schema}, {"name": "broken", "inputSchema": broken}]

    async def answering(exchange: Exchange) -> None:
        if exchange.message["method"] == "tools/list":
            exchange.writer.write(response(json.dumps(result(exchange, tools=tools)).encode()))
        else:
            await answering_well(Era.MODERN)(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        listed = (await upstream.describe()).tools
        await upstream.call(sending("routed", {"region": "eu"}))
        await upstream.call(sending("routed", {}))
        await upstream.close()
        first, second = (exchange for exchange in server.seen if exchange.message["method"] == "tools/call")
    assert [tool["name"] for tool in listed] == ["routed"]
    assert first.header("mcp-param-region") == "eu"
    assert second.header("mcp-param-region") is None


@pytest.mark.requirement("I4")
async def test_the_argument_bytes_go_out_untouched() -> None:
    async with raw_server(answering_well(Era.MODERN)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        item = sending("echo", {"n": 1e21, "z": "\u00e9", "a": [1, 2.5]})
        await upstream.call(item)
        await upstream.close()
        body = server.seen[-1].body
    assert b'"arguments":' + item.arguments + b',"_meta"' in body


async def test_cookies_are_neither_kept_nor_sent() -> None:
    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=False):
            exchange.writer.write(response(json.dumps(fine(exchange)).encode(), extra="set-cookie: a=b\r\n"))

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        await upstream.call(sending("echo"))
        await upstream.call(sending("echo"))
        await upstream.close()
        assert all(exchange.header("cookie") is None for exchange in server.seen)


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with raw_server(answering_well(Era.MODERN)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        assert isinstance(await upstream.call(sending("echo")), Answered)
        await upstream.close()


@pytest.mark.parametrize(
    "options",
    [
        HttpOptions(url="ftp://host/"),
        HttpOptions(url="http://"),
        HttpOptions(url="http://user:secret@host/"),
        HttpOptions(url="http://host:99999/"),
        HttpOptions(url="http://host/", headers={"Mcp-Name": "x"}),
        HttpOptions(url="http://host/", headers={"Host": "x"}),
        HttpOptions(url="http://host/", headers={"x": "secret\r\ninjected: 1"}),
    ],
)
def test_options_that_cannot_be_used_are_refused_without_quoting_secrets(options: HttpOptions) -> None:
    with pytest.raises(ConfigError) as caught:
        HttpUpstream(options)
    assert "secret" not in caught.value.diagnostics()


# --- sessions and eras


@pytest.mark.attack("A7", "A10")
async def test_each_principal_has_its_own_session_and_forgetting_deletes_it() -> None:
    async with raw_server(answering_well(Era.LEGACY)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        for principal in ("r_1", "r_2", "r_1"):
            await upstream.call(sending("echo", principal=principal))
        calls = [item.header("mcp-session-id") for item in server.seen if item.message.get("method") == "tools/call"]
        await upstream.forget("r_1")
        deleted = [item.header("mcp-session-id") for item in server.seen if item.method == "DELETE"]
        await upstream.close()
        all_deleted = [item.header("mcp-session-id") for item in server.seen if item.method == "DELETE"]
    assert calls[0] == calls[2] != calls[1]
    assert deleted == [calls[0]]
    assert all_deleted == [calls[0], calls[1]]


async def test_concurrent_calls_of_one_principal_open_one_session() -> None:
    async with raw_server(answering_well(Era.LEGACY)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        await asyncio.gather(*(upstream.call(sending("echo", {"n": n})) for n in range(10)))
        await upstream.close()
        assert server.methods().count("initialize") == 1
        assert server.methods().count("server/discover") == 1


@pytest.mark.requirement("I13")
async def test_a_call_refused_for_an_unknown_session_goes_again_once_in_a_new_one() -> None:
    lost: set[str | None] = set()

    async def answering(exchange: Exchange) -> None:
        session = exchange.header("mcp-session-id")
        if exchange.message.get("method") == "tools/call" and (session in lost or "*" in lost):
            exchange.writer.write(response(b"", status="404 Not Found", kind="text/plain"))
        else:
            await answering_well(Era.LEGACY)(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        await upstream.call(sending("echo"))
        lost.add(server.seen[-1].header("mcp-session-id"))
        looks: list[int] = []
        reply = await upstream.call(sending("echo", may_send=lambda: not looks.append(1)))
        assert isinstance(reply, Answered)
        assert len(looks) == 2
        lost.add("*")
        again = server.methods().count("tools/call")
        assert not isinstance(await upstream.call(sending("echo")), Answered)
        assert server.methods().count("tools/call") == again + 2
        await upstream.close()


@pytest.mark.requirement("I13")
async def test_a_400_is_no_proof_so_nothing_goes_again_but_the_next_call_has_a_new_session() -> None:
    refusing = False

    async def answering(exchange: Exchange) -> None:
        if refusing and exchange.message.get("method") == "tools/call":
            exchange.writer.write(response(b"No valid session", status="400 Bad Request", kind="text/plain"))
        else:
            await answering_well(Era.LEGACY)(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        await upstream.call(sending("echo"))
        refusing = True
        assert isinstance(await upstream.call(sending("echo")), Failed)
        assert server.methods().count("tools/call") == 2
        refusing = False
        assert isinstance(await upstream.call(sending("echo")), Answered)
        assert server.methods().count("initialize") == 2
        await upstream.close()


async def test_no_more_sessions_than_configured() -> None:
    async with raw_server(answering_well(Era.LEGACY)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, max_sessions=1))
        assert isinstance(await upstream.call(sending("echo", principal="r_1")), Answered)
        assert isinstance(await upstream.call(sending("echo", principal="r_2")), NotSent)
        await upstream.forget("r_1")
        assert isinstance(await upstream.call(sending("echo", principal="r_2")), Answered)
        await upstream.close()


@pytest.mark.requirement("I6")
async def test_a_call_killed_between_its_two_sends_does_not_go_again() -> None:
    async def answering(exchange: Exchange) -> None:
        if exchange.message.get("method") == "tools/call":
            exchange.writer.write(response(b"", status="404 Not Found", kind="text/plain"))
        else:
            await answering_well(Era.LEGACY)(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        looks = iter([True, False])
        reply = await upstream.call(sending("echo", may_send=lambda: next(looks)))
        await upstream.close()
        assert isinstance(reply, NotSent)
        assert server.methods().count("tools/call") == 1


async def test_an_outage_is_no_era_and_the_next_call_asks_again() -> None:
    broken = True

    async def answering(exchange: Exchange) -> None:
        if broken:
            exchange.writer.close()
        else:
            await answering_well(Era.MODERN)(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        assert isinstance(await upstream.call(sending("echo")), NotSent)
        with pytest.raises(UnavailableError):
            await upstream.describe()
        broken = False
        assert isinstance(await upstream.call(sending("echo")), Answered)
        assert "initialize" not in server.methods()
        await upstream.close()


async def test_a_server_that_is_replaced_by_an_older_one_is_asked_again() -> None:
    era = Era.MODERN

    async def answering(exchange: Exchange) -> None:
        if era is Era.LEGACY and exchange.header("mcp-protocol-version") == "2026-07-28":
            exchange.writer.write(response(b"", status="400 Bad Request", kind="text/plain"))
        else:
            await answering_well(era)(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        assert isinstance(await upstream.call(sending("echo")), Answered)
        era = Era.LEGACY
        assert not isinstance(await upstream.call(sending("echo")), Answered)
        assert isinstance(await upstream.call(sending("echo")), Answered)
        await upstream.close()


@pytest.mark.parametrize(
    "initialized", [{"protocolVersion": "2099-01-01"}, {"protocolVersion": 7}, {}, {"protocolVersion": "2026-07-28"}]
)
async def test_a_handshake_without_a_known_version_opens_nothing(initialized: Mapping[str, Any]) -> None:
    async def answering(exchange: Exchange) -> None:
        if exchange.message.get("method") == "initialize":
            exchange.writer.write(response(json.dumps(result(exchange, **initialized)).encode()))
        else:
            await answering_well(Era.LEGACY)(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        assert isinstance(await upstream.call(sending("echo")), NotSent)
        assert "tools/call" not in server.methods()
        await upstream.close()


async def test_a_probe_that_never_ends_leaves_the_call_unsent() -> None:
    async def answering(exchange: Exchange) -> None:
        await asyncio.Event().wait()

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        assert isinstance(await upstream.call(sending("echo", deadline_s=0.2)), NotSent)
        await upstream.close()


@pytest.mark.attack("A10")
async def test_answers_of_interleaved_principals_never_mix() -> None:
    waiting: list[tuple[Exchange, bytes]] = []

    async def answering(exchange: Exchange) -> None:
        if await handshake(exchange, legacy=True):
            return
        text = f"{exchange.header('mcp-session-id')} {json.dumps(exchange.message['params']['arguments'])}"
        body = json.dumps(result(exchange, content=[{"type": "text", "text": text}])).encode()
        waiting.append((exchange, body))
        if len(waiting) % 20 == 0:
            # Answered in the opposite order.
            for earlier, answer in reversed(waiting[-20:]):
                earlier.writer.write(response(answer))

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        items = [(f"r_{n % 2}", n) for n in range(200)]
        replies = await asyncio.gather(*(upstream.call(sending("echo", {"n": n}, principal=who)) for who, n in items))
        sessions: dict[str, set[str]] = {}
        for (who, n), reply in zip(items, replies, strict=True):
            assert isinstance(reply, Answered)
            session, _, arguments = reply.result["content"][0]["text"].partition(" ")
            assert json.loads(arguments) == {"n": n}
            sessions.setdefault(who, set()).add(session)
        assert len(sessions["r_0"]) == len(sessions["r_1"]) == 1
        assert sessions["r_0"] != sessions["r_1"]
        await upstream.close()


async def test_a_kept_connection_that_the_server_closes_is_never_retried_blindly() -> None:
    closing = False

    async def answering(exchange: Exchange) -> None:
        if closing:
            exchange.writer.close()
        else:
            await answering_well(Era.MODERN)(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        await upstream.call(sending("echo"))
        closing = True
        before = server.methods().count("tools/call")
        assert isinstance(await upstream.call(sending("echo")), Unknown)
        assert server.methods().count("tools/call") == before + 1
        await upstream.close()


def test_it_works_on_the_loop_of_production(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "servers" / "logging_server.py"
    log = tmp_path / "log"
    with subprocess.Popen(
        [sys.executable, str(script), str(log), "http", "--json"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/mcp"

        async def both() -> list[Any]:
            replies: list[Any] = []
            for era in Era:
                upstream = HttpUpstream(HttpOptions(url=url, era=era))
                await upstream.describe()
                replies.append(await upstream.call(sending("echo", {"n": 1}, may_send=lambda: False)))
                replies.append(await upstream.call(sending("routed", {"region": "eu"})))
                await upstream.close()
            return replies

        replies = uvloop.run(both())
        server.terminate()
    assert [type(reply) for reply in replies] == [NotSent, Answered, NotSent, Answered]
    entries = [json.loads(line) for line in log.read_bytes().splitlines()]
    started = [entry for entry in entries if entry["event"] == "start"]
    assert [entry["headers"].get("mcp-param-region") for entry in started] == ["eu", None]
