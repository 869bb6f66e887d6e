"""The address of a database with somebody else's name and password in it."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ringfence.errors import UnavailableError
from ringfence.ports.secrets import Secret

_CREDENTIALS = frozenset({"user", "password", "passfile", "sslcert", "sslkey", "sslpassword", "service", "options"})


def dsn_for(administrator: Secret, user: str, password: str) -> str:
    """Host, port, database and TLS options of the administrator's DSN, and nothing of who the administrator is.

    Raises UnavailableError: it is no `postgresql://` URL.
    """
    try:
        parts = urlsplit(administrator.reveal())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("postgresql", "postgres"):
        raise UnavailableError("the minter's own address is no `postgresql://` URL")
    hosts = parts.netloc.rpartition("@")[2]
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in _CREDENTIALS]
    return urlunsplit(
        ("postgresql", f"{quote(user, safe='')}:{quote(password, safe='')}@{hosts}", parts.path, urlencode(kept), "")
    )
