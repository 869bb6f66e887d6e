"""What a configured URL and its credential headers may look like."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlsplit

from ringfence.adapters.upstream.options import HttpOptions
from ringfence.errors import ConfigError

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
_OURS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def check_options(options: HttpOptions) -> None:
    """Raises ConfigError. The text never quotes a header's value: it may be a secret."""
    try:
        url = urlsplit(options.url)
        _ = url.port
        (url.hostname or "").encode("idna")
    except ValueError as error:
        raise ConfigError("the server's URL cannot be read") from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ConfigError("the server's URL is not http or https with a host")
    if url.username is not None or url.password is not None or url.fragment:
        raise ConfigError("the server's URL must not carry a login or a fragment")
    late = options.late_headers.names if options.late_headers is not None else ()
    for name in (*options.headers, *late):
        if _NAME.fullmatch(name) is None or not is_sendable(options.headers.get(name, "late")):
            raise ConfigError(f"the header {name!r} cannot be sent")
        if name.lower() in _OURS or name.lower().startswith("mcp-"):
            raise ConfigError(f"the header {name!r} belongs to the gateway")


def is_sendable(value: str) -> bool:
    """Whether a header can have this value (RFC 9110, section 5.5, ASCII only)."""
    return _VALUE.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a checked URL leads."""

    tls: bool
    host: str
    """As it is looked up: ASCII, no brackets."""
    port: int
    authority: str
    """The value of `Host`: without the scheme's own port (RFC 9110, section 7.2)."""
    target: str
    """Path and query, in ASCII."""

    @classmethod
    def of(cls, url: str) -> Self:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        host = parts.hostname or ""
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
        usual = 443 if tls else 80
        port = parts.port or usual
        shown = f"[{host}]" if ":" in host else host
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
        return cls(tls, host, port, shown if port == usual else f"{shown}:{port}", path + query)
