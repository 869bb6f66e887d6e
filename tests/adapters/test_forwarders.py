"""Entries sent to real receivers on this machine: HTTP, and syslog over UDP, TCP and TLS."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.adapters.webhook_receiver import Receiver, receiving

from ringfence.adapters.forwarders.http import HttpForwarder, HttpForwarding
from ringfence.adapters.forwarders.syslog import SyslogForwarder, SyslogForwarding, Transport, host_name
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.errors import UnavailableError
from ringfence.ports.audit import Record
from ringfence.testing.fakes.secrets import KnownValues

PATIENCE_S = 20.0
MESSAGE = re.compile(rb"<(\d+)>1 (\S+) gateway\.example ringfence - (\S+) - (\{.*\})", re.DOTALL)


def records(*summaries: str, **body: Any) -> list[Record]:
    return [
        Record(seq, Entry(kind=EntryKind.DECISION, at=1_800_000_000_123, summary=summary, decision="deny", body=body).leaf(seq))
        for seq, summary in enumerate(summaries)
    ]


def syslog(transport: Transport, port: int, **more: Any) -> SyslogForwarder:
    return SyslogForwarder(
        SyslogForwarding(
            transport=transport, host="localhost", port=port, origin="ringfence.log", sender="gateway.example", **more
        )
    )


# --- http -------------------------------------------------------------------------------------


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def test_a_batch_is_one_request_with_one_event_a_line(receiver: Receiver) -> None:
    headers = KnownValues(authorization="Bearer s3cret")
    forwarder = HttpForwarder(HttpForwarding(url=f"{receiver.url}/siem?key=s3cret", origin="ringfence.log", headers=headers))
    await forwarder.send(records("one", "two", amount=5))
    await forwarder.close()
    (post,) = receiver.posts
    events = [json.loads(line) for line in post.body.splitlines()]
    assert [event["message"] for event in events] == ["one", "two"]
    assert [event["metadata"]["uid"] for event in events] == ["e0", "e1"]
    assert post.headers["authorization"] == "Bearer s3cret"
    assert post.headers["content-type"] == "application/x-ndjson"
    assert (post.headers["ringfence-first"], post.headers["ringfence-last"]) == ("e0", "e1")
    assert b"amount" not in post.body
    assert "s3cret" not in forwarder.name


@pytest.mark.parametrize("status", [302, 400, 401, 429, 500, 503])
async def test_only_a_2xx_answer_takes_a_batch(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    forwarder = HttpForwarder(HttpForwarding(url=receiver.url, origin="ringfence.log"))
    with pytest.raises(UnavailableError, match=str(status)):
        await forwarder.send(records("one"))
    await forwarder.send(records("one"))
    await forwarder.close()


async def test_nobody_there_is_unavailable_and_shows_no_address() -> None:
    forwarder = HttpForwarder(HttpForwarding(url="http://127.0.0.1:1/s?key=s3cret", origin="ringfence.log"))
    with pytest.raises(UnavailableError) as caught:
        await forwarder.send(records("one"))
    assert "s3cret" not in str(caught.value)
    await forwarder.close()


# --- syslog -----------------------------------------------------------------------------------


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard.put_nowait(data)


async def test_udp_carries_one_message_a_datagram_and_cuts_what_is_too_long() -> None:
    loop = asyncio.get_running_loop()
    transport, heard = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
    forwarder = SyslogForwarder(
        SyslogForwarding(
            transport=Transport.UDP,
            host="127.0.0.1",
            port=transport.get_extra_info("sockname")[1],
            origin="ringfence.log",
            sender="gateway.example",
            bodies=True,
        )
    )
    await forwarder.send(records("short", big="x" * 20_000))
    await forwarder.send(records("short"))
    async with asyncio.timeout(PATIENCE_S):
        cut, whole = await heard.heard.get(), await heard.heard.get()
    for message in (cut, whole):
        assert len(message) <= 8192
        found = MESSAGE.fullmatch(message)
        assert found, message
        assert int(found[1]) == 13 * 8 + 4  # log audit, warning
        assert found[2] == b"2027-01-15T08:00:00.123Z"
        assert found[3] == b"decision"
        assert json.loads(found[4])["message"] == "short"
    assert b'"unmapped":{"cut":true}' in cut
    await forwarder.close()
    transport.close()


class Stream:
    """A TCP receiver that takes octet-counted messages."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                size = int((await reader.readuntil(b" ")).strip())
                self.messages.put_nowait(await reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def next(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.messages.get()


Listen = Callable[[ssl.SSLContext | None], Awaitable[tuple[Stream, int]]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    servers: list[asyncio.Server] = []
    streams: list[Stream] = []

    async def start(context: ssl.SSLContext | None) -> tuple[Stream, int]:
        stream = Stream()
        server = await asyncio.start_server(stream.serve, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        streams.append(stream)
        return stream, server.sockets[0].getsockname()[1]

    yield start
    for stream in streams:
        for writer in stream.writers:
            writer.close()
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_tcp_counts_octets_and_keeps_its_connection(listen: Listen) -> None:
    stream, port = await listen(None)
    forwarder = syslog(Transport.TCP, port)
    await forwarder.send(records("one", "zwei \u00fc", "line\nbreak"))
    await forwarder.send(records("four"))
    for expected in ("one", "zwei \u00fc", "line\nbreak", "four"):
        found = MESSAGE.fullmatch(await stream.next())
        assert found
        assert json.loads(found[4])["message"] == expected
    assert len(stream.writers) == 1
    await forwarder.close()


async def test_a_receiver_that_hangs_up_is_connected_to_again(listen: Listen) -> None:
    stream, port = await listen(None)
    forwarder = syslog(Transport.TCP, port)
    await forwarder.send(records("one"))
    await stream.next()
    stream.writers[0].close()
    await stream.writers[0].wait_closed()
    for _ in range(3):
        try:
            await forwarder.send(records("two"))
            break
        except UnavailableError:
            continue
    found = MESSAGE.fullmatch(await stream.next())
    assert found
    assert json.loads(found[4])["message"] == "two"
    await forwarder.close()


async def test_a_receiver_that_is_not_there_is_unavailable() -> None:
    forwarder = syslog(Transport.TCP, 1)
    with pytest.raises(UnavailableError):
        await forwarder.send(records("one"))


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    chain, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    chain.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, private)
    return context, str(chain)


async def test_tls_reaches_a_receiver_whose_certificate_is_trusted_and_no_other(
    listen: Listen, certificate: tuple[ssl.SSLContext, str]
) -> None:
    context, chain = certificate
    stream, port = await listen(context)
    trusting = syslog(Transport.TLS, port, ca_file=chain)
    await trusting.send(records("over TLS"))
    found = MESSAGE.fullmatch(await stream.next())
    assert found
    assert json.loads(found[4])["message"] == "over TLS"
    await trusting.close()
    with pytest.raises(UnavailableError, match="CertVerification"):
        await syslog(Transport.TLS, port).send(records("to a stranger"))


def test_the_host_name_is_one_that_the_format_takes() -> None:
    assert re.fullmatch(r"[!-~]{1,255}", host_name())
