"""Terminated hosts: method and path are held to, the request is written anew, a credential goes out and not back."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import ssl
import zlib

import pytest
from tests.pep.egress_answering import Answered, an_answering, answered, with_body
from tests.pep.egress_world import HOST, OPEN, RULE, SECRET, TOKEN, FakeGate, World, a_gate, a_server, a_world

from ringfence.adapters.pep.egress.settings import Settings
from ringfence.core.model.egress import EgressMode, EgressRule, PathRule


async def inside(world: World) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await world.tunnel(trusts=world.authority.pem)


async def ask(world: World, data: bytes | str, method: str = "GET") -> Answered:
    """One request on a connection of its own."""
    reader, writer = await inside(world)
    writer.write(data.encode("latin-1") if isinstance(data, str) else data)
    answer = await answered(reader, method)
    writer.close()
    return answer


def get(path: str = "/v1/a", *fields: str, method: str = "GET") -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {HOST}", *fields, "", ""])


async def test_an_allowed_request_goes_out_with_the_credential_in_place_of_the_clients() -> None:
    async with a_world(gate=a_gate()) as world, an_answering(world) as seen:
        fields = ("Authorization: Bearer mine", "X-Api-Key: mine", "X_API_Key: mine", "Cookie: a=b", "Accept: text/plain")
        answer = await ask(world, get("/v1/a?b=c", *fields))
        assert (answer.status, answer.body) == (200, b"ok")
        assert seen.heads[0].startswith(b"GET /v1/a?b=c HTTP/1.1\r\nHost: api.example.com\r\n")
        assert seen.fields == {
            "host": HOST,
            "accept": "text/plain",
            "authorization": SECRET,
            "accept-encoding": "identity",
        }
        await world.settled()
        assert world.gate.open == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/a"), ("GET", "/v2/a"), ("GET", "/v1"), ("DELETE", "/v1/things"), ("GET", "/v1/a%2f..b")],
)
async def test_a_request_that_no_path_rule_has_is_refused_and_never_seen_outside(method: str, path: str) -> None:
    async with a_world(gate=a_gate()) as world, an_answering(world) as seen:
        answer = await ask(world, get(path, method=method))
        assert answer.status == 403
        assert json.loads(answer.body) == {"refused": {"class": "host", "entry": "entry-2"}}
        assert answer.fields["x-ringfence-entry"] == "entry-2"
        assert seen.connections == 0
        assert world.names.dialled == []


async def test_a_client_that_is_sending_a_large_body_hears_why_it_is_refused() -> None:
    async with a_world(gate=a_gate()) as world:
        head = f"POST /v2/a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {5 << 20}\r\n\r\n".encode()
        reader, writer = await inside(world)
        writer.write(head + bytes(5 << 20))
        answer = await answered(reader)
        assert (answer.status, answer.fields["connection"]) == (403, "close")
        assert await reader.read() == b""


async def test_a_refused_request_leaves_the_connection_usable() -> None:
    async with a_world(gate=a_gate()) as world, an_answering(world) as seen:
        reader, writer = await inside(world)
        for path, status in (("/v1/a", 200), ("/no", 403), ("/v1/b", 200)):
            writer.write(get(path).encode())
            assert (await answered(reader)).status == status
        writer.close()
        assert seen.connections == 1


@pytest.mark.attack("A17")
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET /v1/../v2 HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        ("GET /v1/%2e%2e/v2 HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        ("GET /v1/%252e%252e/v2 HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        ("GET /v1/..;/v2 HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        ("GET /v1//a HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        ("GET /v1/a\\b HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        ("GET /v1/a#b HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        ("GET /v1/a%00 HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        ("GET https://evil.example.net/v1/a HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        ("GET /v1/a HTTP/1.1\r\nHost: evil.example.net\r\n\r\n", 400),
        ("GET /v1/a HTTP/1.1\r\nHost: {h}\r\nHost: {h}\r\n\r\n", 400),
        ("GET /v1/a HTTP/1.1\r\n\r\n", 400),
        ("GET /v1/a HTTP/1.0\r\nHost: {h}\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("TRACE /v1/a HTTP/1.1\r\nHost: {h}\r\n\r\n", 405),
        ("CONNECT other.example.com:443 HTTP/1.1\r\nHost: {h}\r\n\r\n", 405),
        ("POST /v1/things HTTP/1.1\r\nHost: {h}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /v1/things HTTP/1.1\r\nHost: {h}\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
        ("POST /v1/things HTTP/1.1\r\nHost: {h}\r\nContent-Length: 4, 4\r\n\r\nabcd", 400),
        ("POST /v1/things HTTP/1.1\r\nHost: {h}\r\nContent-Length: +4\r\n\r\nabcd", 400),
        ("POST /v1/things HTTP/1.1\r\nHost: {h}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /v1/things HTTP/1.1\r\nHost: {h}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /v1/things HTTP/1.1\r\nHost: {h}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /v1/things HTTP/1.1\r\nHost: {h}\r\nX: a\r\n Content-Length: 3\r\n\r\nabc", 400),
        ("GET /v1/a HTTP/1.1\nHost: {h}\r\n\r\n", 400),
        ("GET /v1/a HTTP/1.1\r\nHost: {h}\r\nX: a\rb\r\n\r\n", 400),
        ("GET /v1/a HTTP/1.1\r\nHost: {h}\r\nX: a\0b\r\n\r\n", 400),
        ("GET /v1/a HTTP/1.1\r\nHost: {h}\r\nExpect: something\r\n\r\n", 417),
        ("GET /v1/a HTTP/1.1\r\nHost: {h}\r\nX: " + "a" * 70_000 + "\r\n\r\n", 431),
        ("GET /v1/a HTTP/1.1\r\nHost: {h}\r\n" + "X: a\r\n" * 200 + "\r\n", 431),
    ],
)
async def test_a_request_that_can_be_read_in_two_ways_is_refused_and_never_seen_outside(request_: str, status: int) -> None:
    async with a_world(gate=a_gate()) as world, an_answering(world) as seen:
        answer = await ask(world, request_.replace("{h}", HOST))
        assert answer.status == status
        assert len(world.gate.refusals) == 1
        assert seen.connections == 0


@pytest.mark.attack("A17")
async def test_a_second_request_hidden_in_a_body_stays_a_body() -> None:
    hidden = get("/v2/secret").encode()
    async with a_world(gate=a_gate()) as world, an_answering(world) as seen:
        request = f"POST /v1/things HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(hidden)}\r\n\r\n".encode()
        assert (await ask(world, request + hidden)).status == 200
        assert seen.bodies == [hidden]
        chunked = f"POST /v1/things HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        assert (await ask(world, chunked + b"%x;a=b\r\n%b\r\n0\r\nX: y\r\n\r\n" % (len(hidden), hidden))).status == 200
        assert seen.bodies == [hidden, hidden]
        assert b"a=b" not in seen.heads[1]


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\nhello\r\n", b"5\r\nhelloX\r\n", b"-1\r\n", b"1" * 2000])
async def test_a_chunk_that_lies_ends_the_exchange(body: bytes) -> None:
    async with a_world(gate=a_gate()) as world, an_answering(world) as seen:
        head = f"POST /v1/things HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        answer = await ask(world, head + body + b"\r\n")
        assert answer.status == 400
        assert world.gate.codes == ["framing"]
        assert seen.bodies == []


async def test_two_requests_at_once_are_answered_in_order() -> None:
    def answer(head: bytes, _: bytes) -> list[bytes]:
        return [with_body(head.split(b" ")[1])]

    async with a_world(gate=a_gate()) as world, an_answering(world, answer):
        reader, writer = await inside(world)
        writer.write((get("/v1/a") + get("/v1/b")).encode())
        assert [(await answered(reader)).body for _ in range(2)] == [b"/v1/a", b"/v1/b"]
        writer.close()


async def test_only_one_protocol_is_offered() -> None:
    async with a_world(gate=a_gate()) as world:
        reader, writer = await world.connect()
        writer.write(f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        context = ssl.create_default_context(cadata=world.authority.pem)
        context.set_alpn_protocols(["h2", "http/1.1"])
        await writer.start_tls(context, server_hostname=HOST)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        writer.close()


async def test_inside_the_server_name_must_be_that_of_the_connection_too() -> None:
    async with a_world(gate=a_gate()) as world:
        with pytest.raises(ssl.SSLError):
            await world.tunnel(name="other.example.com", trusts=world.authority.pem)
        await world.settled()
        assert world.gate.codes == ["server_name"]


async def test_a_server_whose_certificate_is_not_the_hosts_is_not_spoken_to() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("it was spoken to")

    async with a_world(gate=a_gate()) as world, a_server(world, refuse, host="other.example.com"):
        answer = await ask(world, get())
        assert answer.status == 502
        assert world.gate.codes == ["certificate"]


async def test_what_the_server_says_of_other_ways_does_not_come_back() -> None:
    reply = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
        b'HTTP/1.1 302 Found\r\nLocation: https://evil.example.net/\r\nAlt-Svc: h3=":443"\r\nConnection: X-Hop\r\nX-Hop: 1\r\n'
        b"X-Ringfence-Entry: forged\r\nContent-Length: 0\r\n\r\n"
    )
    async with a_world(gate=a_gate()) as world, an_answering(world, reply) as seen:
        answer = await ask(world, get())
        assert answer.status == 302
        assert set(answer.fields) == {"location", "content-length"}
        assert len(seen.heads) == 1


# --- secrets that come back


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("size", [1, 3, 7, 16, 1000])
async def test_an_echoed_secret_is_masked_however_it_is_cut(size: int) -> None:
    body = b'{"headers": {"authorization": "' + SECRET.encode() + b'"}}'

    def answer(_: bytes, __: bytes) -> list[bytes]:
        whole = with_body(body)
        return [whole[at : at + size] for at in range(0, len(whole), size)]

    async with a_world(gate=a_gate()) as world, an_answering(world, answer):
        answer_ = await ask(world, get())
        assert answer_.status == 200
        assert b"masked" in answer_.body
        assert not any(TOKEN[at : at + 8].encode() in answer_.body for at in range(len(TOKEN) - 8))


def chunked(*pieces: bytes, coding: str = "") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + (
        f"Content-Encoding: {coding}\r\n".encode() if coding else b""
    )
    return head + b"\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.requirement("I9")
@pytest.mark.parametrize(
    "reply",
    [
        chunked(*(bytes([byte]) for byte in SECRET.encode())),
        chunked(gzip.compress(SECRET.encode()), coding="gzip"),
        chunked(zlib.compress(SECRET.encode()), coding="deflate"),
        chunked(zlib.compress(SECRET.encode())[2:-4], coding="deflate"),
        chunked(*(bytes([byte]) for byte in gzip.compress(b"a" * 100_000 + SECRET.encode())), coding="x-gzip"),
        chunked(gzip.compress(SECRET[:20].encode()) + gzip.compress(SECRET[20:].encode()), coding="gzip"),
        b"HTTP/1.1 200 OK\r\n\r\n" + SECRET.encode(),
        with_body(b"", f"X-Echo: {SECRET}", f"X-{TOKEN}: a"),
        f"HTTP/1.1 200 {TOKEN}\r\nContent-Length: 0\r\n\r\n".encode(),
        with_body(base64.b64encode(b"x" + SECRET.encode())),
        with_body(TOKEN.encode().hex().encode()),
    ],
)
async def test_an_echoed_secret_is_masked_however_it_is_packed(reply: bytes) -> None:
    async with a_world(gate=a_gate()) as world, an_answering(world, reply, ends=True):
        reader, writer = await inside(world)
        writer.write(get("/v1/a", "Connection: close").encode())
        everything = await reader.read()
        writer.close()
        assert everything.startswith(b"HTTP/1.1 200 ")
        plain = re.sub(rb"\r\n[0-9a-f]+\r\n", b"", everything)
        assert TOKEN.encode() not in plain
        assert TOKEN.encode()[4:20].hex().encode() not in plain
        assert b"content-encoding" not in plain.lower()


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "unknown"])
async def test_a_content_that_cannot_be_looked_into_does_not_come_back(coding: str) -> None:
    async with a_world(gate=a_gate()) as world, an_answering(world, with_body(b"abc", f"Content-Encoding: {coding}")):
        assert (await ask(world, get())).status == 502
        assert world.gate.codes == ["upstream"]


async def test_events_come_through_as_they_happen_while_secrets_are_looked_for() -> None:
    more = asyncio.Event()

    async def events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")
        await more.wait()
        writer.write(b"data: two\n\n")

    async with a_world(gate=a_gate()) as world, a_server(world, events):
        reader, writer = await inside(world)
        writer.write(get().encode())
        await reader.readuntil(b"data: one\n\n")
        more.set()
        await reader.readuntil(b"data: two\n\n")
        writer.close()


async def test_without_secrets_lengths_are_kept() -> None:
    async with a_world(OPEN) as world, an_answering(world, with_body(b"x" * 1000)):
        answer = await ask(world, get("/any"))
        assert answer.fields["content-length"] == "1000"


async def test_an_echo_cannot_be_fetched_in_slices() -> None:
    async with a_world(gate=a_gate()) as world, an_answering(world) as seen:
        await ask(world, get("/v1/a", "Range: bytes=0-5", "If-Range: x"))
        assert "range" not in seen.fields
        assert "if-range" not in seen.fields


@pytest.mark.parametrize("secret", ["", "with\r\nX-More: 1", "not-äscii-at-all", " blank"])
async def test_a_credential_that_cannot_stand_in_a_header_stops_the_request(secret: str) -> None:
    gate = FakeGate([RULE], secrets={"env:TOKEN": secret})
    async with a_world(gate=gate) as world, an_answering(world) as seen:
        assert (await ask(world, get())).status == 502
        assert gate.codes == ["credential"]
        assert seen.connections == 0


async def test_a_credential_that_is_missing_stops_the_request() -> None:
    async with a_world(gate=FakeGate([RULE])) as world, an_answering(world) as seen:
        assert (await ask(world, get())).status == 502
        assert seen.connections == 0


# --- bodies, budgets, ends


async def test_a_large_body_goes_both_ways_with_its_bytes_counted() -> None:
    async with a_world(OPEN) as world, an_answering(world, lambda _, body: [with_body(body[::-1])]):
        body = bytes(range(256)) * 20_000
        answer = await ask(world, f"POST /a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert answer.body == body[::-1]
        assert world.gate.up > len(body)
        assert world.gate.down > len(body)


@pytest.mark.requirement("I19")
async def test_an_upload_over_the_budget_is_ended() -> None:
    async with a_world(OPEN) as world, an_answering(world) as seen:
        world.gate.most_up = 1 << 20
        head = f"POST /a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {10 << 20}\r\n\r\n".encode()
        reader, writer = await inside(world)
        writer.write(head + bytes(10 << 20))
        answer = await answered(reader)
        assert (answer.status, json.loads(answer.body)["refused"]["class"]) == (403, "budget")
        assert world.gate.up < 2 << 20
        assert seen.heads == []
        writer.close()


async def test_a_download_over_the_budget_is_broken_off() -> None:
    async with a_world(OPEN) as world, an_answering(world, with_body(bytes(10 << 20))):
        world.gate.most_down = 1 << 20
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await ask(world, get("/a"))
        await world.settled()
        assert world.gate.codes == ["budget"]


@pytest.mark.requirement("I6")
async def test_a_kill_cuts_an_answer_that_is_under_way() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            await asyncio.sleep(0)  # drain alone may not let the loop notice the end

    async with a_world(OPEN) as world, a_server(world, endless):
        reader, writer = await inside(world)
        writer.write(get("/a").encode())
        await reader.readexactly(5_000_000)
        world.gate.is_killed = True
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await reader.readexactly(1 << 40)
        await world.settled()
        assert world.gate.open == 0


async def test_a_client_that_waits_for_a_hundred_is_told_to_go_on_by_us_alone() -> None:
    async with a_world(OPEN) as world, an_answering(world) as seen:
        reader, writer = await inside(world)
        writer.write(f"PUT /a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n".encode())
        assert (await answered(reader)).status == 100
        writer.write(b"abc")
        assert (await answered(reader)).status == 200
        assert "expect" not in seen.fields
        assert seen.bodies == [b"abc"]
        writer.close()


async def test_an_answer_before_the_whole_request_ends_the_connection() -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with a_world(OPEN) as world, a_server(world, hasty):
        answer = await ask(world, f"POST /a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\nabc")
        assert (answer.status, answer.fields["connection"]) == (413, "close")


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n"])
async def test_an_answer_that_is_none_is_a_bad_gateway(reply: bytes) -> None:
    async with a_world(OPEN) as world, an_answering(world, reply, ends=True):
        assert (await ask(world, get("/a"))).status == 502


async def test_an_answer_with_two_lengths_is_a_bad_gateway() -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    async with a_world(OPEN) as world, an_answering(world, reply):
        assert (await ask(world, get("/a"))).status == 502


async def test_a_broken_off_answer_is_broken_off_for_the_box_too() -> None:
    async with a_world(OPEN) as world, an_answering(world, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ends=True):
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await ask(world, get("/a"))


async def test_answers_to_head_and_empty_ones_have_no_body() -> None:
    def answer(head: bytes, _: bytes) -> list[bytes]:
        if head.startswith(b"HEAD"):
            return [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"]
        return [b"HTTP/1.1 204 No Content\r\n\r\n"]

    async with a_world(gate=a_gate(OPEN)) as world, an_answering(world, answer):
        reader, writer = await inside(world)
        writer.write(get("/a", method="HEAD").encode())
        assert (await answered(reader, "HEAD")).fields["content-length"] == "1000"
        writer.write(get("/a").encode())
        assert (await answered(reader)).status == 204
        writer.close()


async def test_a_server_that_closed_a_kept_connection_is_dialled_again() -> None:
    async with a_world(OPEN) as world, an_answering(world, ends=True) as seen:
        reader, writer = await inside(world)
        for _ in range(2):
            writer.write(get("/a").encode())
            assert (await answered(reader)).status == 200
            await asyncio.sleep(0.02)  # the server's goodbye arrives
        writer.close()
        assert seen.connections == 2
        assert world.names.resolved == [HOST]


async def test_a_slow_head_inside_is_given_up() -> None:
    async with a_world(OPEN, settings=Settings(head_s=0.5)) as world:
        assert (await ask(world, "GET /a HTTP/1.1\r\n")).status == 408


async def test_a_connection_between_requests_is_closed_after_a_while() -> None:
    async with a_world(OPEN, settings=Settings(kept_s=0.02)) as world:
        reader, writer = await inside(world)
        assert await reader.read() == b""
        writer.close()
        await world.settled()


async def test_a_private_host_may_be_spoken_to_in_plain_behind_the_proxy() -> None:
    rule = EgressRule(
        host="index.example.com",
        port=8080,
        mode=EgressMode.TERMINATE,
        paths=(PathRule(methods=frozenset({"GET"}), path="/simple/*"),),
        private=True,
        tls=False,
    )
    async with a_world(rule) as world, an_answering(world, tls=False, port=8080) as seen:
        world.names.addresses["index.example.com"] = ["10.1.2.3"]
        reader, writer = await world.tunnel("index.example.com", 8080, trusts=world.authority.pem)
        writer.write(b"GET /simple/a/ HTTP/1.1\r\nHost: index.example.com:8080\r\n\r\n")
        assert (await answered(reader)).status == 200
        assert seen.fields["host"] == "index.example.com:8080"
        writer.close()


# --- WebSocket

HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Extensions: permessage-deflate",
)


async def test_a_websocket_passes_where_a_path_rule_says_so() -> None:
    async def socket(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"permessage-deflate" not in head
        assert f"Authorization: {SECRET}\r\n".encode() in head
        assert b"Upgrade: websocket\r\nConnection: Upgrade\r\n" in head
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello")
        while data := await reader.read(1000):
            writer.write(data)

    async with a_world(gate=a_gate()) as world, a_server(world, socket):
        reader, writer = await inside(world)
        writer.write(get("/socket", *HANDSHAKE).encode())
        answer = await answered(reader)
        assert (answer.status, answer.fields["upgrade"]) == (101, "websocket")
        assert await reader.readexactly(5) == b"hello"
        writer.write(b"frame")
        assert await reader.readexactly(5) == b"frame"
        writer.close()
        await world.settled()
        assert world.gate.open == 0


async def test_a_websocket_elsewhere_and_a_bad_handshake_are_refused() -> None:
    async with a_world(gate=a_gate()) as world, an_answering(world) as seen:
        assert (await ask(world, get("/v1/a", *HANDSHAKE))).status == 403
        assert (await ask(world, get("/socket", *HANDSHAKE[:3]))).status == 400
        assert seen.connections == 0


async def test_an_upgrade_that_nobody_asked_for_is_a_bad_gateway() -> None:
    reply = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    async with a_world(gate=a_gate()) as world, an_answering(world, reply) as seen:
        assert (await ask(world, get("/v1/a", "Upgrade: h2c", "Connection: Upgrade"))).status == 502
        assert "upgrade" not in seen.fields
