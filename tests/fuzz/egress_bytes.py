"""What a box might send to its way out, real and bent; and what reading it may never do.

What is accepted and written anew is read by another parser as well (llhttp): both must see the same one request.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from random import Random

import httptools

from ringfence.core.egress.body import Body
from ringfence.core.egress.client_hello import Hello, asks_again, hello_of
from ringfence.core.egress.connect import connect_of
from ringfence.core.egress.head import MOST_CONNECT, MOST_INSIDE, length_of_head
from ringfence.core.egress.headers import request_head
from ringfence.core.egress.opening import Asked, Refusal
from ringfence.core.egress.request import Request, request_of
from ringfence.core.egress.response import response_of

HOST = "api.example.com"
HEADS = (
    b"CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\nProxy-Connection: keep-alive\r\n\r\n",
    b"CONNECT api.example.com:443 HTTP/1.0\r\n\r\n\x16\x03\x01",
    b"GET /v1/a?b=c HTTP/1.1\r\nHost: api.example.com\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n",
    b"POST /v1/a HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    b"POST /v1/%2e HTTP/1.1\r\nHost: api.example.com\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"GET /s HTTP/1.1\r\nHost: api.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
)
_PIECES = (
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b"/", b"//", b"..", b"/../", b"%", b"%2e", b"%2f"),
    *(b"%00", b"\\", b"#", b"?", b";", b",", b"\xff", b"\x0b", b"HTTP/1.1", b"HTTP/1.0", b"[::1]", b"127.1", b"0x7f"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n"),
    *(b"Transfer-Encoding:\x0bchunked\r\n", b"Host: api.example.com\r\n", b"Host: evil.example\r\n", b"Connection: Host\r\n"),
    b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
)
_KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
"""Methods that the other parser knows; rules name theirs."""


def hello() -> bytes:
    """A real client's first flight."""
    out = ssl.MemoryBIO()
    try:
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=HOST).do_handshake()
    except ssl.SSLWantReadError:
        return out.read()
    raise AssertionError("a handshake without its other half")


def bent(rng: Random, data: bytes) -> bytes:
    """A few changes."""
    made = bytearray(data)
    for _ in range(rng.randrange(5)):
        at = rng.randrange(len(made) + 1)
        match rng.randrange(5):
            case 0:
                made[at:at] = rng.choice(_PIECES)
            case 1:
                del made[at : at + rng.randrange(1, 6)]
            case 2 if at < len(made):
                made[at] = rng.randrange(256)
            case 3:
                made[at : at + rng.randrange(4)] = rng.choice(_PIECES)
            case _:
                end = min(len(made), at + rng.randrange(20))
                made[at:at] = made[at:end]
    return bytes(made)


def head(rng: Random) -> bytes:
    return bent(rng, rng.choice(HEADS))


def flight(rng: Random, real: bytes) -> bytes:
    """A first flight, sometimes in several records."""
    message = real[5:]
    size = rng.randrange(40, len(message) + 1) if rng.random() < 0.5 else len(message)
    records = b"".join(
        b"\x16\x03\x01" + len(message[at : at + size]).to_bytes(2, "big") + message[at : at + size]
        for at in range(0, len(message), size)
    )
    return bent(rng, records) if rng.random() < 0.8 else records


def faults_of_head(data: bytes) -> list[str]:
    """What went wrong in reading these bytes as whatever they could be."""
    return [f"egress: {fault}: {data!r}" for fault in _faults(data)]


def faults_of_flight(data: bytes) -> list[str]:
    found: list[str] = []
    for retried in (False, True):
        judged = hello_of(data, retried=retried)
        if isinstance(judged, Hello) and data.lower().find(judged.name.encode()) < 0 and b"\x16\x03" not in data[5:]:
            found.append(f"egress: a name that is nowhere in the bytes: {data!r}")
    asks_again(data)
    return found


def _faults(data: bytes) -> Iterator[str]:
    if isinstance(length := length_of_head(data, MOST_CONNECT), int):
        asked = connect_of(data[:length])
        if isinstance(asked, Asked) and f" {asked.host}:{asked.port} ".encode() not in data.lower():
            yield "a host that is nowhere in the bytes"
    response_of(data, "GET")
    if not isinstance(length := length_of_head(data, MOST_INSIDE), int):
        return
    request = request_of(data[:length], HOST, 443)
    if isinstance(request, Refusal):
        return
    Body(request.framing).feed(data[length:])
    written = request_head(request, HOST, 443, header="Authorization", secret="Bearer 0123456789")
    yield from _as_another_reads_it(request, written)


class _Reader:
    """What llhttp tells."""

    def __init__(self) -> None:
        self.url = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.messages = 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value))

    def on_message_complete(self) -> None:
        self.messages += 1


def _as_another_reads_it(request: Request, written: bytes) -> Iterator[str]:
    if request.websocket or request.method not in _KNOWN:
        return
    reader = _Reader()
    parser = httptools.HttpRequestParser(reader)
    whole = b"0\r\n\r\n" if request.framing.chunked else bytes(min(request.framing.length or 0, 1 << 20))
    try:
        parser.feed_data(written + whole)
    except httptools.HttpParserError as error:
        yield f"another parser refuses what was written: {error}"
        return
    names = [name for name, _ in reader.fields]
    if parser.get_method() != request.method.encode() or reader.url != (request.path + request.query).encode():
        yield "another parser reads another request"
    if names.count(b"host") != 1 or names.count(b"authorization") != 1 or dict(reader.fields)[b"host"] != HOST.encode():
        yield "not one Host and one credential"
    if b"content-length" in names and b"transfer-encoding" in names:
        yield "two lengths"
    if (request.framing.length or 0) <= 1 << 20 and reader.messages != 1:
        yield f"another parser reads {reader.messages} requests"
