"""OCSF events as syslog messages (RFC 5424), over UDP (RFC 5426), TCP (RFC 6587, octet counting) or TLS (RFC 5425).

Syslog has no answers: a batch counts as taken when the network has accepted it and the receiver has not hung up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ringfence.adapters.wire.events import as_line, event_line
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.audit import Record

CONNECT_S = 10.0
SETTLE_S = 0.05
"""How long after a batch the receiver is listened to: one that had hung up before answers the write with a reset."""
FACILITY = 13
"""Log audit (RFC 5424 section 6.2.1)."""
LARGEST_DATAGRAM = 8_192
"""Bytes. A larger message loses what is unmapped, and the front of its text stays."""
_SEVERITIES = {1: 6, 2: 5, 3: 4, 4: 1}
"""OCSF's to syslog's: informational, notice, warning, alert."""


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogForwarding:
    """One receiver."""

    transport: Transport
    host: str
    port: int
    origin: str
    sender: str
    """HOSTNAME of the messages."""
    bodies: bool = False
    ca_file: str | None = None
    """Who is trusted to have signed the receiver's certificate; the system's where None."""


class SyslogForwarder:
    """Implements `ports.forwarder.Forwarder`. Use inside one running loop."""

    def __init__(self, options: SyslogForwarding) -> None:
        self._options = options
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._datagrams: asyncio.DatagramTransport | None = None

    @property
    def name(self) -> str:
        return f"syslog {self._options.transport.value}://{self._options.host}:{self._options.port}"

    async def send(self, records: Sequence[Record]) -> None:
        try:
            messages = [self._message(record) for record in records]
        except RequestError as error:
            raise UnavailableError(f"the log holds what is no entry: {error}") from error
        try:
            async with asyncio.timeout(CONNECT_S):
                if self._options.transport is Transport.UDP:
                    await self._send_datagrams(messages)
                else:
                    await self._send_stream(messages)
        except (OSError, TimeoutError) as error:
            await self.close()
            raise UnavailableError(f"{self.name} does not take it: {type(error).__name__}") from error

    async def close(self) -> None:
        if self._datagrams is not None:
            self._datagrams.close()
            self._datagrams = None
        if self._stream is not None:
            self._stream[1].close()
            with contextlib.suppress(OSError):
                await self._stream[1].wait_closed()
            self._stream = None

    async def _send_stream(self, messages: Sequence[bytes]) -> None:
        if self._stream is not None and self._stream[0].at_eof():
            await self.close()
        if self._stream is None:
            self._stream = await asyncio.open_connection(self._options.host, self._options.port, ssl=self._tls())
        reader, writer = self._stream
        writer.write(b"".join(b"%d %b" % (len(message), message) for message in messages))
        await writer.drain()
        try:
            async with asyncio.timeout(SETTLE_S):
                await reader.read(1)
        except TimeoutError:
            return  # Nothing came back, which is all that syslog ever says.
        if reader.at_eof():
            raise ConnectionResetError

    async def _send_datagrams(self, messages: Sequence[bytes]) -> None:
        if self._datagrams is None:
            loop = asyncio.get_running_loop()
            address = (self._options.host, self._options.port)
            self._datagrams, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
        for message in messages:
            self._datagrams.sendto(message)

    def _message(self, record: Record) -> bytes:
        event, line = event_line(record.leaf, self._options.origin, bodies=self._options.bodies)
        head = syslog_head(event, self._options.sender)
        if self._options.transport is Transport.UDP and len(head) + len(line) > LARGEST_DATAGRAM:
            slim = {**event, "message": str(event["message"])[:1000], "unmapped": {"cut": True}}
            line = as_line(slim)
        return head + line

    def _tls(self) -> ssl.SSLContext | None:
        if self._options.transport is not Transport.TLS:
            return None
        return ssl.create_default_context(cafile=self._options.ca_file)


def syslog_head(event: dict[str, Any], sender: str) -> bytes:
    """HEADER and empty STRUCTURED-DATA of RFC 5424, up to the message."""
    priority = FACILITY * 8 + _SEVERITIES[event["severity_id"]]
    time = datetime.fromtimestamp(event["time"] / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    kind = "".join(character for character in str(event["metadata"]["event_code"]) if 33 <= ord(character) <= 126)[:32] or "-"
    return f"<{priority}>1 {time} {sender} ringfence - {kind} - ".encode("ascii")


def host_name() -> str:
    """This machine's name as RFC 5424 takes it."""
    name = "".join(character for character in socket.gethostname() if 33 <= ord(character) <= 126)
    return name[:255] or "-"
