"""Tunnels: denied by default, and open only to the host that they were opened for."""

from __future__ import annotations

import asyncio
import json
import ssl

import pytest
from tests.pep.egress_world import HOST, FakeGate, World, a_server, a_world

from ringfence.adapters.pep.egress.settings import Settings
from ringfence.core.egress.opening import Admitted, NotAdmitted, Opening
from ringfence.core.model.egress import EgressRule
from ringfence.engine.identity.identify import Presented

CONNECT = f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode()
OK = b"HTTP/1.1 200 Connection established\r\n\r\n"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_a_listed_host_is_reached_through_a_tunnel() -> None:
    async with a_world() as world, a_server(world, echo):
        reader, writer = await world.tunnel()
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        await world.settled()
        assert world.gate.open == 0
        assert world.gate.up > 5
        assert world.gate.down > 5
        assert world.gate.refusals == []


async def test_a_host_that_no_rule_names_is_neither_resolved_nor_dialled() -> None:
    async with a_world() as world:
        answer = await world.say(b"CONNECT evil.example.net:443 HTTP/1.1\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert b"X-Ringfence-Entry: entry-1" in head
        assert json.loads(body) == {"refused": {"class": "host", "entry": "entry-1"}}
        assert world.names.resolved == world.names.dialled == []


async def test_another_port_of_a_listed_host_is_refused() -> None:
    async with a_world() as world:
        assert (await world.say(f"CONNECT {HOST}:22 HTTP/1.1\r\n\r\n".encode())).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        ("GET http://evil.example.net/ HTTP/1.1", 405, "connect_only"),
        ("GET / HTTP/1.1", 405, "connect_only"),
        ("CONNECT 169.254.169.254:80 HTTP/1.1", 403, "address_literal"),
        ("CONNECT [::1]:443 HTTP/1.1", 403, "address_literal"),
        ("CONNECT 0x7f.1:443 HTTP/1.1", 403, "address_literal"),
        ("CONNECT evil.com\0.api.example.com:443 HTTP/1.1", 400, "malformed_head"),
        ("CONNECT evil.com%00.api.example.com:443 HTTP/1.1", 400, "host_name"),
        ("CONNECT api.example.com:443", 400, "malformed_head"),
        ("CONNECT  api.example.com:443 HTTP/1.1", 400, "malformed_head"),
        ("CONNECT api.example.com:0443 HTTP/1.1", 400, "malformed_head"),
        ("CONNECT user@api.example.com:443 HTTP/1.1", 400, "host_name"),
        ("CONNECT api.example.com:443 HTTP/2.0", 505, "version"),
        ("CONNECT api.example.com:443 HTTP/1.1\nX: y", 400, "malformed_head"),
        ("CONNECT api.example.com:443 HTTP/1.1\r\nX: " + "y" * 9000, 431, "head_too_large"),
        ("CONNECT api.example.com:443 HTTP/1.1\r\nContent-Length: 5", 400, "malformed_head"),
    ],
)
async def test_what_is_no_plain_connect_is_refused_and_recorded(line: str, status: int, code: str) -> None:
    async with a_world() as world:
        answer = await world.say(f"{line}\r\n\r\n".encode("latin-1"))
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"refused": {"class": code, "entry": "refusal-1"}}
        assert world.gate.codes == [code]
        assert world.gate.openings == []


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::ffff:10.0.0.1"], ["93.184.216.34", "192.168.0.1"]],
)
async def test_a_listed_name_with_an_address_inside_is_not_dialled(addresses: list[str]) -> None:
    async with a_world() as world:
        world.names.addresses[HOST] = addresses
        assert (await world.say(CONNECT)).startswith(b"HTTP/1.1 403 ")
        assert world.gate.codes == ["address"]
        assert world.names.dialled == []
        assert world.gate.open == 0


async def test_a_private_address_is_dialled_where_the_rule_says_so() -> None:
    async with a_world(EgressRule(host=HOST, private=True)) as world, a_server(world, echo):
        world.names.addresses[HOST] = ["10.0.0.1"]
        _, writer = await world.tunnel()
        assert world.names.dialled == [("10.0.0.1", 443)]
        writer.close()


async def test_what_is_dialled_is_the_address_that_was_judged() -> None:
    async with a_world() as world, a_server(world, echo):
        _, writer = await world.tunnel()
        assert (world.names.resolved, world.names.dialled) == ([HOST], [("93.184.216.34", 443)])
        writer.close()


async def test_an_unresolved_name_and_a_dead_port_are_bad_gateways() -> None:
    async with a_world(EgressRule(host="gone.example.com"), EgressRule(host=HOST)) as world:
        assert (await world.say(b"CONNECT gone.example.com:443 HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 502 ")
        assert (await world.say(CONNECT)).startswith(b"HTTP/1.1 502 ")
        assert world.gate.codes == ["unresolved", "unreachable"]


async def refused_inside(world: World, flight: bytes) -> bytes:
    return await world.say(CONNECT + flight)


async def test_a_tunnel_that_asks_for_another_name_is_closed_and_recorded() -> None:
    async with a_world() as world, a_server(world, echo):
        with pytest.raises(ssl.SSLError):
            await world.tunnel(name="other.example.com")
        await world.settled()
        assert world.gate.codes == ["server_name"]
        assert world.gate.refusals[0][0].host == HOST
        assert world.gate.down == 0


def hello_without_name() -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    return out.read()


@pytest.mark.parametrize(
    ("flight", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n", "client_hello"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "client_hello"),
        (hello_without_name(), "server_name"),
    ],
)
async def test_a_tunnel_without_a_hello_that_names_the_host_reaches_nobody(flight: bytes, code: str) -> None:
    async with a_world() as world, a_server(world, echo, tls=False):
        answer = await refused_inside(world, flight)
        assert answer == OK + bytes.fromhex("15030300020270")
        assert world.gate.codes == [code]
        assert world.gate.up == 0


@pytest.mark.requirement("I19")
async def test_a_head_that_comes_too_slowly_is_given_up() -> None:
    async with a_world(settings=Settings(head_s=0.3)) as world:
        assert (await world.say(CONNECT[:-1])).startswith(b"HTTP/1.1 408 ")
        assert world.gate.codes == ["timeout"]


async def test_a_first_flight_that_comes_too_slowly_is_given_up() -> None:
    async with a_world(settings=Settings(head_s=0.3)) as world, a_server(world, echo):
        assert (await world.say(CONNECT + b"\x16\x03\x01")).startswith(OK)
        assert world.gate.codes == ["timeout"]


async def test_an_idle_tunnel_is_closed() -> None:
    async with a_world(settings=Settings(idle_s=0.02, look_s=0.01)) as world, a_server(world, silent):
        reader, _ = await world.tunnel()
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        await world.settled()
        assert world.gate.open == 0


@pytest.mark.requirement("I6")
async def test_a_kill_cuts_a_transfer() -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            await asyncio.sleep(0)  # drain alone may not let the loop notice the end

    async with a_world() as world, a_server(world, endless):
        reader, _ = await world.tunnel()
        await reader.readexactly(10_000_000)
        world.gate.is_killed = True
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await reader.readexactly(1 << 40)
        await world.settled()
        assert world.gate.open == 0


@pytest.mark.parametrize("most", ["most_up", "most_down"])
async def test_a_tunnel_over_its_budget_is_closed(most: str) -> None:
    gate = FakeGate([EgressRule(host=HOST)])
    setattr(gate, most, 1 << 20)
    async with a_world(gate=gate) as world, a_server(world, echo):
        reader, writer = await world.tunnel()

        async def upload() -> None:
            while True:
                writer.write(bytes(65536))
                await writer.drain()
                await asyncio.sleep(0)  # let the loop notice; drain alone does not

        sending = asyncio.ensure_future(upload())
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await reader.readexactly(1 << 40)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await world.settled()
        assert min(gate.up, gate.down) < 2 << 20


@pytest.mark.requirement("I19")
async def test_connections_over_the_limit_are_told_so() -> None:
    async with a_world(settings=Settings(connections=1)) as world, a_server(world, echo):
        _, writer = await world.tunnel()
        assert (await world.say(CONNECT)).startswith(b"HTTP/1.1 429 ")
        writer.close()
        await world.settled()
        _, writer = await world.tunnel()
        writer.close()


async def test_a_box_that_hangs_up_while_a_person_decides_is_forgotten() -> None:
    gate = FakeGate([EgressRule(host=HOST)], waits=asyncio.Event())
    async with a_world(gate=gate, settings=Settings(grace_s=0.0)) as world:
        _, writer = await world.connect()
        writer.write(CONNECT)
        await gate.asked.wait()
        writer.close()
        await world.settled()
        assert world.names.resolved == []


async def test_a_half_closed_tunnel_still_answers() -> None:
    """Below TLS: what one side has sent arrives, and the other side still speaks."""

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x15\x03\x03\x00\x02\x02\x28")
        whole = await reader.read()
        writer.write(b"%d" % len(whole))

    flight = hello_for(HOST)
    async with a_world() as world, a_server(world, late, tls=False):
        reader, writer = await world.connect()
        writer.write(CONNECT + flight)
        assert await reader.readexactly(len(OK) + 7)
        writer.write(bytes(1_000_000))
        writer.write_eof()
        assert await reader.read() == b"%d" % (len(flight) + 1_000_000)
        writer.close()


def hello_for(host: str) -> bytes:
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=host).do_handshake()
    return out.read()


RETRY = (
    bytes.fromhex("160303003002 00002c0303".replace(" ", ""))
    + bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    + bytes(6)
)


@pytest.mark.parametrize("is_early", [False, True])
async def test_a_second_hello_for_another_name_is_not_handed_on(is_early: bool) -> None:
    """Neither after the server has asked for it, nor when it lies ready before."""
    first, second = hello_for(HOST), b"\x14\x03\x03\x00\x01\x01" + hello_for("other.example.com")
    got: list[bytes] = []

    async def retrying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(65536))
        writer.write(RETRY)
        got.append(await reader.read())

    async with a_world() as world, a_server(world, retrying, tls=False):
        reader, writer = await world.connect()
        writer.write(CONNECT + first + (second if is_early else b""))
        await reader.readexactly(len(OK) + len(RETRY))
        writer.write(b"" if is_early else second)
        assert await reader.read() == bytes.fromhex("15030300020270")
        writer.close()
        await world.settled()
        assert world.gate.codes == ["server_name"]
        assert got == [first, b""]
        writer.close()


@pytest.mark.requirement("I3")
async def test_a_gate_that_fails_lets_nothing_through(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(FakeGate):
        async def admit(self, presented: Presented, opening: Opening) -> Admitted | NotAdmitted:
            raise RuntimeError("the engine is broken")

    async with a_world(gate=Failing([EgressRule(host=HOST)])) as world:
        assert await world.say(CONNECT) == b""
        assert world.names.resolved == []
        assert "the engine is broken" in caplog.text


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("fails", ["lives", "moved"])
async def test_a_gate_that_begins_to_fail_ends_what_is_open(fails: str, caplog: pytest.LogCaptureFixture) -> None:
    is_broken = False

    class Failing(FakeGate):
        def lives(self, admitted: Admitted) -> bool:
            return self._or_fail("lives")

        def moved(self, admitted: Admitted, up: int, down: int) -> bool:
            return self._or_fail("moved")

        def _or_fail(self, name: str) -> bool:
            if is_broken and name == fails:
                raise RuntimeError("the engine is broken")
            return True

    async with a_world(gate=Failing([EgressRule(host=HOST)]), settings=Settings(look_s=0.01)) as world, a_server(world, echo):
        reader, writer = await world.tunnel()
        writer.write(b"hello")
        await reader.readexactly(5)
        is_broken = True
        writer.write(b"hello")
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await reader.readexactly(1 << 30)
        await world.settled()
        assert world.gate.open == 0
        assert "the engine is broken" in caplog.text


async def test_closing_the_proxy_cuts_everything() -> None:
    async with a_world() as world, a_server(world, echo):
        reader, _ = await world.tunnel()
        _, waiting = await world.connect()
        waiting.write(CONNECT[:10])
        await world.proxy.close()
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        assert len(world.proxy) == world.gate.open == 0


@pytest.mark.requirement("I1")
async def test_nothing_is_resolved_or_dialled_before_the_decision() -> None:
    gate = FakeGate([EgressRule(host=HOST)], waits=asyncio.Event())
    async with a_world(gate=gate) as world, a_server(world, echo):
        tunnel = asyncio.ensure_future(world.tunnel())
        await gate.asked.wait()
        assert world.names.resolved == world.names.dialled == []
        assert gate.waits is not None
        gate.waits.set()
        _, writer = await tunnel
        writer.close()
