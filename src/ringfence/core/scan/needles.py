"""The forms in which a known secret can show itself in a text. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote

SHORTEST: Final = 6
"""Characters. What is shorter would be found in ordinary words."""
_LONGEST_WHOLE: Final = 512
_PIECE: Final = 256
"""A longer secret is looked for in pieces of so many characters, and in its lines."""
_SHORTEST_LINE: Final = 16
_MOST_COMPARED: Final = 100
_SCHEME = re.compile(r"[A-Za-z][A-Za-z-]*\s+(\S+)")
"""`Bearer TOKEN` (RFC 9110, section 11.4)."""
_USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:([^/\s]+)@")
_LOGIN = re.compile(r"[^\s:/]+:(\S+)")
"""`USER:PASSWORD`."""
_PAIR = re.compile(r"(?i)(?:password|passwd|pwd|secret|token|key)\s*=\s*['\"]?([^\s;&'\"]+)")


def needles_of(secret: str) -> frozenset[str]:
    """Every text that gives the secret, or the part of it that matters, away."""
    return frozenset(form for part in _parts(secret) for form in _forms(part))


def beginnings_of(secret: str) -> frozenset[str]:
    """The forms whose beginning, at the end of a text, may be the secret's.

    Of an address or a header only the part that matters: what stands before it can be guessed, and whoever sees masked what
    was guessed right could find the rest a character at a time.
    """
    parts = _parts(secret)
    if len(parts) <= _MOST_COMPARED:
        parts = {part for part in parts if not any(inner != part and inner in part for inner in parts)}
    return frozenset(form for part in parts for form in _forms(part))


def _parts(secret: str) -> set[str]:
    """The secret, and what of it is secret by itself: a token after its scheme, a password in an address or a setting."""
    parts = {secret, secret.strip()}
    if found := _SCHEME.fullmatch(secret.strip()):
        parts.add(found[1])
        parts |= _of_basic(found[1])
    if found := _LOGIN.fullmatch(secret.strip()):
        parts.add(found[1])
    for found in _USERINFO.finditer(secret):
        parts |= {found[1], unquote(found[1])}
    parts.update(found[1] for found in _PAIR.finditer(secret))
    parts.update(line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_LINE and "-----" not in line)
    return {piece for part in parts for piece in _pieces(part) if len(piece) >= SHORTEST}


def _of_basic(token: str) -> set[str]:
    """The password in a Basic credential (RFC 7617)."""
    try:
        password = base64.b64decode(token, validate=True).decode().partition(":")[2]
    except ValueError:
        return set()
    return {password}


def _pieces(part: str) -> Iterator[str]:
    if len(part) <= _LONGEST_WHOLE:
        yield part
    else:
        yield from (part[start : start + _PIECE] for start in range(0, len(part), _PIECE))


def _forms(part: str) -> Iterator[str]:
    data = part.encode("utf-8", "surrogatepass")
    yield part
    for standard in _base64(data):
        yield standard
        yield standard.replace("+", "-").replace("/", "_")
    yield data.hex()
    yield data.hex().upper()
    if "%" in (escaped := quote(data, safe="")):
        for form in (escaped, quote(data, safe="/"), quote_plus(data)):
            yield form
            yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form)
    for ascii_only in (True, False):
        written = json.dumps(part, ensure_ascii=ascii_only)[1:-1]
        yield written
        yield written.replace("/", "\\/")
        yield json.dumps(written, ensure_ascii=ascii_only)[1:-1]


def _base64(data: bytes) -> Iterator[str]:
    """What of the encoding depends on the data alone, wherever it begins in what is encoded (RFC 4648, section 4)."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode()
        first = (before * 8 + 5) // 6
        yield encoded[first : (before + len(data)) * 8 // 6]
