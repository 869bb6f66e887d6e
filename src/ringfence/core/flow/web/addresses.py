"""Mail addresses and web addresses in one spelling. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote

from ringfence.core.flow.web.hosts import canonical_host

_MAIL: Final = re.compile(r"(?:mailto:)?([^\s@<>,;:\"()\[\]/\\?#]{1,64})@([^\s@<>,;:\"()\[\]/\\?#_]{1,253})")
_NAMED_MAIL: Final = re.compile(r"[^<>@,;:]{0,100}<([^<>\s]{3,320})>")
_URL: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]{0,20})://([^/?#\\\s]{1,300})([^?#\\\s]{0,2000})(?:\?([^#\s]{0,2000}))?(?:#(\S{0,500}))?"
)
_BARE_URL: Final = re.compile(
    r"((?:[\w-]{1,63}\.){1,8}[a-zA-Z\u00a1-\uffff]{2,63})(:\d{1,5})?(/[^?#\s]{0,2000})?(?:\?([^#\s]{0,2000}))?(?:#(\S{0,500}))?"
)
_HOST: Final = re.compile(r"(?:[\w-]{1,63}\.){1,12}[\w-]{2,63}\.?|localhost", re.UNICODE)
_PORTS: Final = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21", "ssh": "22"}
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,29}")
_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")


def mail_of(value: str) -> str | None:
    """A mail address in one spelling: in lower case, its host in ASCII, dots and `+tag` kept. None for anything else."""
    if "@" not in value:
        return None
    if value.endswith(">") and (named := _NAMED_MAIL.fullmatch(value)) is not None:
        value = named[1]
    found = _MAIL.fullmatch(value)
    if found is None or "." not in found[2] or ".." in value:
        return None
    return f"{found[1].lower()}@{canonical_host(found[2])}"


def host_of(value: str) -> str | None:
    """A host in one spelling; None for anything else."""
    return canonical_host(value) if len(value) <= 253 and _HOST.fullmatch(value) is not None else None


@dataclass(frozen=True, slots=True)
class Url:
    """A web address in one spelling."""

    scheme: str
    """Empty where people left it out."""
    host: str
    port: str
    """Empty for the scheme's own."""
    path: str
    query: str
    fragment: str

    def is_named_by(self, said: Url) -> bool:
        """Whether people who said the other address have named this one: the same place, and nothing more told to it."""
        if (self.host, self.port, self.query) != (said.host, said.port, said.query):
            return False
        if self.fragment not in ("", said.fragment):
            return False
        if self.scheme != said.scheme and not (
            self.scheme in ("https", "http") and said.scheme in ("", "http" if self.scheme == "https" else "")
        ):
            return False
        return self.path == said.path or self.path.rstrip("/") == said.path.rstrip("/")

    @property
    def told(self) -> list[str]:
        """What the query tells the host: its values, and keys that are no plain names."""
        try:
            pairs = parse_qsl(self.query, keep_blank_values=True, strict_parsing=bool(self.query), max_num_fields=50)
        except ValueError:
            return [self.query]
        keys = [key for key, _ in pairs if _KEY.fullmatch(key) is None]
        return [*keys, *(value for _, value in pairs if value)]


def url_of(value: str) -> Url | None:
    """A web address; None for anything else, and for one that names a user (`https://known.example@other.example`)."""
    found = _URL.fullmatch(value)
    if found is None or "@" in found[2] or "%" in found[2]:
        return None
    host, _, port = found[2].partition(":")
    if port and not port.isdigit():
        return None
    scheme = found[1].lower()
    path = _path(found[3])
    if path is None or not host:
        return None
    return Url(scheme, canonical_host(host), "" if port == _PORTS.get(scheme) else port, path, found[4] or "", found[5] or "")


def bare_url_of(value: str) -> Url | None:
    """What people write for a web address without its scheme: `docs.corp.example/intro`."""
    found = _BARE_URL.fullmatch(value)
    if found is None:
        return None
    path = _path(found[3] or "")
    if path is None:
        return None
    return Url("", canonical_host(found[1]), (found[2] or "")[1:], path, found[4] or "", found[5] or "")


def _path(path: str) -> str | None:
    """The path with its escapes in one form, once; None where it climbs, or hides a delimiter."""
    plain = _ESCAPED.sub(lambda found: _unescaped(found[0]), path)
    if re.search(r"%(?:2f|5c|00|25)", plain, re.IGNORECASE) or any(part in (".", "..") for part in plain.split("/")):
        return None
    return plain or "/"


def _unescaped(escape: str) -> str:
    char = unquote(escape)
    return char if _UNRESERVED.fullmatch(char) else escape.upper()
