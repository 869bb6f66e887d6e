"""The forms in which a known secret can show itself in a text. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import quote, unquote

SHORTEST: Final = 6
"""Characters. What is shorter would be found in ordinary words."""
_LONGEST_WHOLE: Final = 512
_PIECE: Final = 256
"""A longer secret is looked for in pieces of so many characters, and in its lines."""
_SHORTEST_LINE: Final = 16
_MOST_COMPARED: Final = 100
_SCHEME = re.compile(r"[A-Za-z][A-Za-z-]*\s+(\S+)")
"""`Bearer TOKEN` (RFC 9110, section 11.4)."""
_USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^/\s:@]*:([^/\s]+)@")
_LOGIN = re.compile(r"[^\s:/]+:(\S+)")
"""`USER:PASSWORD`."""
_NAMES: Final = "password|passwd|pwd|passphrase|secret|token|key"
_PAIR = re.compile(rf"""(?i)(?:{_NAMES})\s*[=:]\s*(?:'([^']+)'|"([^"]+)"|([^\s;&'"]+))""")
_MEMBER = re.compile(rf"(?i)(?:{_NAMES}|credential|dsn)s?\Z")
"""How the name of a member ends whose value is secret by itself, where a secret is a JSON object."""
_MOST_DEEP: Final = 5
_URL_SAFE: Final = (
    "",
    "/",
    "!'()*",  # encodeURIComponent
    "!'()*;,/?:@&=+$#",  # encodeURI
    "!()*",  # .NET
    "*",  # URLSearchParams, Java
    "$&+,;=",  # Go, in the userinfo
    "$&+,/:;=@",  # Go, in a path
    "!$&'()*+,;=",  # all of the userinfo (RFC 3986, section 3.2.1)
)
"""What different encoders leave as it is."""
_JSON_ESCAPED: Final = ("", "<>&", "<>&'=", "<>&'+`\"", "<>&'\"")
"""What is written as `\\u....` besides what has to be: nothing; Go and Rails; Gson; .NET; PHP."""
_CODE = re.compile(r"\\u([0-9a-f]{4})")
_MARKUP_QUOTES: Final = (
    ('"', "'"),
    ("&quot;", "'"),
    ("&quot;", "&#39;"),
    ("&quot;", "&#x27;"),
    ("&quot;", "&apos;"),
    ("&#34;", "&#39;"),
)


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
    for found in _PAIR.finditer(secret):
        value = found[1] or found[2] or found[3]
        parts |= {value, unquote(value)}
    parts |= _of_members(secret)
    parts.update(line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_LINE and "-----" not in line)
    return {piece for part in parts for piece in _pieces(part) if len(piece) >= SHORTEST}


def _of_members(secret: str) -> set[str]:
    """The secrets in a JSON object, as clouds keep them: `{"username": ..., "password": ...}`."""
    if not secret.lstrip().startswith("{"):
        return set()
    try:
        known: Any = json.loads(secret)
    except (ValueError, RecursionError):
        return set()
    found: set[str] = set()
    level: list[Any] = [known]
    for _ in range(_MOST_DEEP):
        members = [member for item in level if isinstance(item, dict) for member in cast("Mapping[str, Any]", item).items()]
        for name, value in members:
            if isinstance(value, str) and _MEMBER.search(name):
                found |= _parts(value)
        level = [value for _, value in members]
    return found


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
    yield from _url(data)
    yield from _json(part)
    yield from _markup(part)


def _url(data: bytes) -> Iterator[str]:
    for safe in _URL_SAFE:
        escaped = quote(data, safe=safe)
        for form in {escaped, escaped.replace("~", "%7E")}:
            for spaced in {form, form.replace("%20", "+")}:
                yield spaced
                yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), spaced)


def _json(part: str) -> Iterator[str]:
    """In a JSON text, and in a JSON text in a JSON text."""
    for ascii_only in (True, False):
        whole = json.dumps(part, ensure_ascii=ascii_only)[1:-1]
        for further in _JSON_ESCAPED:
            for is_upper in (False, True):
                written = _CODE.sub(lambda found: f"\\u{found[1].upper()}", whole) if is_upper else whole
                for char in further:
                    code = f"\\u{ord(char):04X}" if is_upper else f"\\u{ord(char):04x}"
                    written = written.replace('\\"' if char == '"' else char, code)
                yield written
                yield written.replace("/", "\\/")
                yield json.dumps(written, ensure_ascii=ascii_only)[1:-1]


def _markup(part: str) -> Iterator[str]:
    """In HTML and XML."""
    plain = part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for double, single in _MARKUP_QUOTES:
        yield plain.replace('"', double).replace("'", single)


def _base64(data: bytes) -> Iterator[str]:
    """What of the encoding depends on the data alone, wherever it begins in what is encoded (RFC 4648, section 4)."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode()
        first = (before * 8 + 5) // 6
        yield encoded[first : (before + len(data)) * 8 // 6]
