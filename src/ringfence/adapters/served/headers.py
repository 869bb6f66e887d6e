"""What the head of a request says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_ONCE: Final = frozenset({"host", "authorization", "x-api-key", "content-type", "content-length", "content-encoding", "origin"})
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


def bearer_in(headers: Mapping[str, str]) -> str:
    """What is shown as a bearer token; empty: nothing is."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else ""


def possible(credential: str) -> str:
    """The same where it can be one of ours, else nothing."""
    return credential if len(credential) <= _LONGEST_CREDENTIAL and credential.isascii() else ""


def not_json(headers: Mapping[str, str], what: str) -> str:
    """Why the body cannot be JSON as it is; empty: it can. `what` it would be."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return f"{what} is not JSON"
    return f"{what} is encoded" if headers.get("content-encoding", "identity").lower() != "identity" else ""
