"""The head of a CONNECT: the one request that the way out of a box answers (RFC 9110, section 9.3.6). Pure."""

from __future__ import annotations

import re

from ringfence.core.egress.head import head_of
from ringfence.core.egress.host import host_of
from ringfence.core.egress.opening import CONNECT, Asked, Refusal

_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_OF_ORIGIN = re.compile(rb"[A-Z]{1,20} /")
_UNDECIDED = re.compile(rb"[A-Z]{0,20} ?")
_FRAMING = ("content-length", "transfer-encoding")


def is_for_proxy(first: bytes) -> bool | None:
    """Whether the first bytes of a connection are for the way out. None: more is needed.

    What asks for a path is for whoever listens; everything else wants to be elsewhere, in this way or another that is refused.
    """
    if _OF_ORIGIN.match(first):
        return False
    return None if _UNDECIDED.fullmatch(first) else True


def connect_of(data: bytes) -> Asked | Refusal:
    """Where a whole head wants to go. Only its first line counts; a body would be the first bytes of the tunnel to somebody."""
    head = head_of(data)
    if isinstance(head, Refusal):
        return head
    parts = head.first.split(" ")
    if len(parts) != 3:
        return Refusal("malformed_head", 400, "the first line has not three parts")
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        return Refusal("version", 505, "neither HTTP/1.1 nor HTTP/1.0")
    if method != CONNECT:
        return Refusal("connect_only", 405, "not a CONNECT")
    host, colon, port = target.rpartition(":")
    if not colon or not _PORT.fullmatch(port) or int(port) > 65535:
        named = host_of(host or target)
        if isinstance(named, Refusal) and named.code == "address_literal":
            return named
        return Refusal("malformed_head", 400, "the target is not HOST:PORT")
    name = host_of(host)
    if isinstance(name, Refusal):
        return name
    if any(head.all(each) for each in _FRAMING):
        return Refusal("malformed_head", 400, "a CONNECT with a body")
    return Asked(name, int(port))
