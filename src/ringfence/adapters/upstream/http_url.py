"""What a configured URL and its credential headers may look like."""

import re
from urllib.parse import urlsplit

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
    except ValueError as error:
        raise ConfigError("the server's URL cannot be read") from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ConfigError("the server's URL is not http or https with a host")
    if url.username is not None or url.password is not None or url.fragment:
        raise ConfigError("the server's URL must not carry a login or a fragment")
    for name, value in options.headers.items():
        if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
            raise ConfigError(f"the header {name!r} cannot be sent")
        if name.lower() in _OURS or name.lower().startswith("mcp-"):
            raise ConfigError(f"the header {name!r} belongs to the gateway")
