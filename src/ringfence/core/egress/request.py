"""The head of a request inside a terminated connection: what it asks for, if that can be read in one way only. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from ringfence.core.egress.body import NO_BODY, Framing, framing_of
from ringfence.core.egress.head import Fields, head_of
from ringfence.core.egress.opening import Refusal

_METHOD = re.compile(r"[A-Z](?:[A-Z-]{0,30}[A-Z])?", re.ASCII)
_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_QUERY = re.compile(r"[\x21\x22\x24-\x5b\x5d-\x7e]*")
"""Visible ASCII without `#` and backslash."""
_NEVER: Final = frozenset({"CONNECT", "TRACE", "TRACK"})
"""A proxy inside a proxy; and what says every header back, the injected one too."""
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==", re.ASCII)
_PROTOCOLS = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:, ?[!#$%&'*+.^_`|~0-9A-Za-z-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: str
    query: str = ""
    """With its question mark, or empty."""
    fields: Fields = ()
    framing: Framing = NO_BODY
    websocket: bool = False
    closes: bool = False
    """The client will not use the connection again."""
    expects: bool = False
    """The client waits for a 100 before it sends the body."""


def request_of(data: bytes, host: str, port: int) -> Request | Refusal:
    """What a whole head asks of this host."""
    head = head_of(data)
    if isinstance(head, Refusal):
        return head
    parts = head.first.split(" ")
    if len(parts) != 3:
        return Refusal("malformed_head", 400, "the first line has not three parts")
    method, target, version = parts
    if version != "HTTP/1.1":
        return Refusal("version", 505, "not HTTP/1.1")
    if not _METHOD.fullmatch(method):
        return Refusal("malformed_head", 400, "no method")
    if method in _NEVER:
        return Refusal("method", 405, f"{method} is refused inside")
    path, mark, query = target.partition("?")
    if refusal := _of_path(path):
        return refusal
    if not _QUERY.fullmatch(query):
        return Refusal("target", 400, "the query has characters that it may not have")
    named = head.all("host")
    if len(named) != 1 or named[0].lower() not in (host, f"{host}:{port}") or (named[0].lower() == host and port != 443):
        return Refusal("host_header", 400, "the Host field is not the host of the connection")
    framing = framing_of(head)
    if isinstance(framing, Refusal):
        return framing
    expected = head.all("expect")
    if expected and [each.lower() for each in expected] != ["100-continue"]:
        return Refusal("expectation", 417, "an expectation other than 100-continue")
    options = {option.strip().lower() for value in head.all("connection") for option in value.split(",")}
    is_socket = _asks_for_socket(head.all("upgrade"), options)
    if is_socket and (method != "GET" or framing != NO_BODY or not _is_handshake(head.fields)):
        return Refusal("websocket", 400, "not the handshake of RFC 6455")
    return Request(
        method=method,
        path=path,
        query=mark + query,
        fields=head.fields,
        framing=framing,
        websocket=is_socket,
        closes="close" in options,
        expects=bool(expected),
    )


def _of_path(path: str) -> Refusal | None:
    if not _PATH.fullmatch(path):
        return Refusal("target", 400, "the target is not a path")
    read = path.encode()
    for _ in range(4):
        if b"//" in read or b"\\" in read or any(byte < 0x20 or byte == 0x7F for byte in read):
            return Refusal("target", 400, "an empty segment, a backslash or a control character in the path")
        if any(segment.partition(b";")[0] in (b".", b"..") for segment in read.split(b"/")):
            return Refusal("target", 400, "a dot segment in the path")
        decoded = unquote_to_bytes(read)
        if decoded == read:
            return None
        read = decoded
    return Refusal("target", 400, "the path is escaped again and again")


def _asks_for_socket(upgrades: list[str], options: set[str]) -> bool:
    """Any other upgrade is dropped with its field, and the request is an ordinary one."""
    return "upgrade" in options and [each.lower() for each in upgrades] == ["websocket"]


def _is_handshake(fields: Fields) -> bool:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), []).append(value)
    protocols = found.get("sec-websocket-protocol", [])
    return (
        found.get("sec-websocket-version") == ["13"]
        and len(found.get("sec-websocket-key", [])) == 1
        and _KEY.fullmatch(found["sec-websocket-key"][0]) is not None
        and len(protocols) <= 1
        and all(_PROTOCOLS.fullmatch(each) for each in protocols)
    )
