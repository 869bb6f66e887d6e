"""What the box hears when it is refused: the class of the rule and the entry, nothing more."""

from __future__ import annotations

import json
from http import HTTPStatus

from ringfence.core.egress.headers import ENTRY

ALERT = bytes.fromhex("15030300020270")
"""TLS, fatal: unrecognized_name (RFC 8446, section 6.2), in place of an answer that a tunnel has no room for."""


def denial(status: int, code: str, entry: str = "", why: str = "", *, closes: bool = True, bodiless: bool = False) -> bytes:
    """A whole HTTP answer. `why`: only what may be shown inside the box."""
    refused = {"class": code, "entry": entry, **({"why": why} if why else {})}
    body = json.dumps({"refused": refused}).encode() + b"\n"
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
    ]
    if entry:
        lines.append(f"{ENTRY}: {entry}")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: CONNECT")
    if closes:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if bodiless else body)
