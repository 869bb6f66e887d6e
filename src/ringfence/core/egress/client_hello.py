"""The first flight of a TLS client: whose name it asks for (RFC 8446, section 4.1.2; RFC 6066, section 3). Pure.

Read to the last byte: a message that is not wholly understood is refused, because the server might understand it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from ringfence.core.egress.host import host_of
from ringfence.core.egress.opening import Refusal

MOST: Final = 32 * 1024
"""Bytes of records that one message may take."""
_MOST_MESSAGE: Final = 16 * 1024
_MOST_RECORD: Final = 16 * 1024 + 256
_MOST_RECORDS: Final = 64
_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_SERVER_HELLO: Final = 2
_SERVER_NAME: Final = 0
_ALPN: Final = 16
_ENCRYPTED_HELLO: Final = 0xFE0D
_OUTER_EXTENSIONS: Final = 0xFD00
_BEFORE_RETRIED: Final = frozenset({20, 23})
"""What a client may send between its two messages: a change of ciphers, early data."""
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a HelloRetryRequest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    name: str
    """The one server name, in lower case."""
    encrypted: bool
    """There is an encrypted message in it (ECH), which may ask for another name. Many clients send one that means nothing."""
    protocols: tuple[bytes, ...] = ()
    """ALPN, as offered."""
    size: int = field(default=0, compare=False)
    """Bytes of the flight up to its end. What comes behind it was not read."""


class _Short(Exception):
    """A field reaches beyond its surroundings."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise _Short
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._data)


def hello_of(data: bytes | bytearray, *, retried: bool = False) -> Hello | Refusal | None:
    """What the client says first. None: more is needed. `retried`: the second message, after the server asked for another."""
    found = _message(bytes(data[: MOST + 1]), _BEFORE_RETRIED if retried else frozenset())
    if found is None:
        return _refused("longer than it may be") if len(data) > MOST else None
    if isinstance(found, Refusal):
        return found
    message, size = found
    try:
        hello = _read(message)
    except _Short:
        return _refused("a field that reaches beyond its surroundings")
    return replace(hello, size=size) if isinstance(hello, Hello) else hello


def judged(hello: Hello, host: str, *, sees_inside: bool) -> Refusal | None:
    """Whether it asks for the host of the connection. An encrypted message is harmless where the connection ends here, because
    nobody who could decrypt it ever sees it."""
    if hello.name != host:
        return Refusal("server_name", 403, f"the server name is {hello.name}")
    if hello.encrypted and not sees_inside:
        return Refusal("encrypted_hello", 403, "an encrypted ClientHello could ask for another name")
    return None


def asks_again(data: bytes) -> bool | None:
    """Whether the server's first bytes ask the client for another message. None: more is needed."""
    head = 5 + 4 + 2 + 32
    if (data and data[0] != _HANDSHAKE) or (len(data) > 5 and data[5] != _SERVER_HELLO):
        return False
    return data[11:head] == _RETRY if len(data) >= head else None


def _message(data: bytes, skipped: frozenset[int]) -> tuple[bytes, int] | Refusal | None:
    """The handshake message without its head, put together from its records, and where these end."""
    message = b""
    at = 0
    for _ in range(_MOST_RECORDS):
        kind, content = data[at : at + 1], data[at + 5 : at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")]
        if kind and kind[0] != _HANDSHAKE and (message or kind[0] not in skipped):
            return _refused("no handshake")
        if len(data) > at + 1 and data[at + 1] != 3:
            return _refused("no TLS")
        if len(data) < at + 5:
            return None
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        if not 0 < length <= _MOST_RECORD:
            return _refused("a record of a length that it may not have")
        at += 5 + length
        if kind[0] == _HANDSHAKE:
            message += content
            if message and message[0] != _CLIENT_HELLO:
                return _refused("no ClientHello")
            whole = 4 + int.from_bytes(message[1:4], "big")
            if len(message) >= 4 and whole > _MOST_MESSAGE:
                return _refused("longer than it may be")
            if len(data) >= at and len(message) >= 4 and len(message) >= whole:
                return (message[4:], at) if len(message) == whole else _refused("something behind it in its record")
        if len(data) < at:
            return None
    return _refused("in too many records")


def _read(message: bytes) -> Hello | Refusal:
    reader = _Reader(message)
    major = reader.number(2) >> 8
    reader.take(32)
    session, ciphers, compressions = reader.vector(1), reader.vector(2), reader.vector(1)
    if major != 3 or len(session) > 32 or len(ciphers) < 2 or len(ciphers) % 2 or not compressions:
        return _refused("fields that are not those of a ClientHello")
    if reader.is_at_end:
        return _refused("no extensions, so no server name")
    extensions = _Reader(reader.vector(2))
    if not reader.is_at_end:
        return _refused("something behind its extensions")
    found: dict[int, bytes] = {}
    while not extensions.is_at_end:
        kind, body = extensions.number(2), extensions.vector(2)
        if kind in found:
            return _refused("an extension that comes twice")
        found[kind] = body
    if _SERVER_NAME not in found:
        return Refusal("server_name", 403, "no server name")
    name = _name(_Reader(found[_SERVER_NAME]))
    if isinstance(name, Refusal):
        return name
    encrypted = _ENCRYPTED_HELLO in found or _OUTER_EXTENSIONS in found
    return Hello(name=name, encrypted=encrypted, protocols=_protocols(found.get(_ALPN)))


def _name(reader: _Reader) -> str | Refusal:
    names = _Reader(reader.vector(2))
    kind, raw = names.number(1), names.vector(2)
    if kind != 0 or not names.is_at_end or not reader.is_at_end:
        return Refusal("server_name", 403, "not exactly one server name")
    name = host_of(raw.decode("latin-1"))
    return Refusal("server_name", 403, name.why) if isinstance(name, Refusal) else name


def _protocols(body: bytes | None) -> tuple[bytes, ...]:
    if body is None:
        return ()
    outer = _Reader(body)
    names = _Reader(outer.vector(2))
    found: list[bytes] = []
    while not names.is_at_end:
        found.append(names.vector(1))
    return tuple(found)


def _refused(why: str) -> Refusal:
    return Refusal("client_hello", 403, f"the first flight is no ClientHello that can be judged: {why}")
