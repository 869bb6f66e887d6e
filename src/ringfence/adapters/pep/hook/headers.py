"""What the head of a hook's request says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_ONCE: Final = frozenset({"host", "authorization", "content-type", "content-length", "content-encoding", "origin"})
_LONGEST_CREDENTIAL: Final = 8192


def read_headers(lines: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str] | None:
    """Names in lower case. None: one that may stand once stands twice, so two readers could differ."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in lines:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(" \t")
        if name in headers and name in _ONCE:
            return None
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def credential_in(headers: Mapping[str, str]) -> str:
    """The bearer credential; empty: there is none that can be one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip(" ") if scheme.lower() == "bearer" else ""
    return token if len(token) <= _LONGEST_CREDENTIAL and token.isascii() else ""


def not_json(headers: Mapping[str, str]) -> str:
    """Why the body cannot be JSON as it is; empty: it can."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return "the event is not JSON"
    return "the event is encoded" if headers.get("content-encoding", "identity").lower() != "identity" else ""
