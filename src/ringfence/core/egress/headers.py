"""Which fields go on, which are put in, and which stay behind, in both directions. Pure.

Names are compared without regard to case and with every sign as a hyphen: many a server reads `X_Api_Key` or `X.Api.Key` as
`X-Api-Key`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ringfence.core.egress.body import Framing
from ringfence.core.egress.head import Fields
from ringfence.core.egress.request import Request

ENTRY: Final = "X-Ringfence-Entry"
_HOP: Final = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "http2-settings"}
)
_CREDENTIALS: Final = frozenset(
    {
        "authorization",
        "api-key",
        "apikey",
        "job-token",
        "private-token",
        "x-access-token",
        "x-amz-security-token",
        "x-api-key",
        "x-api-token",
        "x-auth-key",
        "x-auth-token",
        "x-goog-api-key",
        "x-vault-token",
    }
)
"""A host that is allowed is no way out with somebody else's key."""
_CREDENTIAL_ENDS: Final = (
    "access-key",
    "access-token",
    "api-key",
    "api-token",
    "apikey",
    "app-key",
    "application-key",
    "auth-key",
    "auth-token",
    "client-secret",
    "private-token",
    "secret-key",
    "security-token",
    "session-token",
    "subscription-key",
)
"""How the names of such fields end at services that put their own before: `DD-API-KEY`, `X-Shop-Access-Token`."""
_OVERRIDES: Final = frozenset(
    {"x-http-method", "x-http-method-override", "x-method-override", "x-original-method", "x-original-url", "x-rewrite-url"}
)
"""What would make of the judged request another one."""
_FORWARDING: Final = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-host",
        "x-host",
        "true-client-ip",
        "client-ip",
    }
)
_OURS: Final = frozenset({"host", "expect", "accept-encoding", "alt-used"})
_WITH_CREDENTIAL: Final = frozenset({"cookie", "range", "if-range"})
"""Stay behind where a credential goes along: a cookie may be another one; by ranges its echo could be had in slices."""
_SOCKET: Final = frozenset({"sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol"})
_NOT_BACK: Final = frozenset({"alt-svc", "alternate-protocol", "clear-site-data", ENTRY.lower()})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_SIGN = re.compile(r"[^a-z0-9]")
_SECRET = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)


def is_sendable(name: str, value: str) -> bool:
    """Whether a credential can stand in a header: visible ASCII, so that it can be looked for in what comes back."""
    return _TOKEN.fullmatch(name) is not None and _SECRET.fullmatch(value) is not None


def request_head(request: Request, host: str, port: int, *, header: str = "", secret: str | None = None) -> bytes:
    """The request written anew: the one Host, the one framing, the one credential, no coding of the answer."""
    named = host if port == 443 else f"{host}:{port}"
    lines = [f"{request.method} {request.path}{request.query} HTTP/1.1", f"Host: {named}"]
    lines += [f"{name}: {value}" for name, value in _onward(request, header, secret is not None)]
    if secret is not None:
        lines.append(f"{header}: {secret}")
    if request.websocket:
        lines += ["Upgrade: websocket", "Connection: Upgrade"]
    else:
        lines.append("Accept-Encoding: identity")
    lines += _framing(request.framing, has_body=request.method not in ("GET", "HEAD", "OPTIONS", "DELETE"))
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def response_head(
    status: int, phrase: str, fields: Iterable[tuple[str, str]], framing: Framing | None, *, closes: bool
) -> bytes:
    """The answer written anew. `framing` None: this answer has no body, and what it says of a length stands in `fields`."""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in fields)]
    if framing is not None:
        lines += _framing(framing, has_body=True)
    if closes:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def answered(fields: Fields, *, decoded: bool, keeps_length: bool) -> Fields:
    """What goes back of an answer's fields."""
    gone = _HOP | _NOT_BACK | _nominated(fields) | ({"content-encoding"} if decoded else frozenset())
    if keeps_length:
        gone -= {"content-length"}
    return tuple((name, value) for name, value in fields if not _is_dropped(_plain(name), gone))


def _onward(request: Request, header: str, with_credential: bool) -> Iterable[tuple[str, str]]:
    gone = _HOP | _CREDENTIALS | _OVERRIDES | _FORWARDING | _OURS | _nominated(request.fields)
    if header:
        gone |= {_plain(header)}
    if with_credential:
        gone |= _WITH_CREDENTIAL
    for name, value in request.fields:
        plain = _plain(name)
        if (
            _is_dropped(plain, gone)
            or plain.endswith(_CREDENTIAL_ENDS)
            or (plain.startswith("sec-websocket-") and not (request.websocket and plain in _SOCKET))
        ):
            continue
        yield name, value


def _is_dropped(plain: str, gone: frozenset[str]) -> bool:
    return plain in gone or plain.startswith(("proxy-", "x-forwarded", "x-ringfence"))


def _nominated(fields: Fields) -> frozenset[str]:
    """What the Connection field names as its own (RFC 9110, section 7.6.1)."""
    values = [value for name, value in fields if _plain(name) == "connection"]
    return frozenset(_plain(option.strip()) for value in values for option in value.split(","))


def _plain(name: str) -> str:
    return _SIGN.sub("-", name.lower())


def _framing(framing: Framing, *, has_body: bool) -> list[str]:
    if framing.chunked:
        return ["Transfer-Encoding: chunked"]
    return [f"Content-Length: {framing.length}"] if framing.length or (framing.length == 0 and has_body) else []
