"""URLs in a text: absolute, without their scheme, and as browsers repair them. Pure.

Only the part that names a host is read, so what follows is read for itself: a URL in the path or query of another is found like
any other. What parsers disagree about (RFC 3986 and the WHATWG URL standard: backslashes, slashes too many or too few, what
stands before an `@`) is read in the way that leads further out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ringfence.core.flow.web.hosts import ADDRESS
from ringfence.core.flow.web.suffixes import is_before_path, is_plausible

_AUTHORITY: Final = r"([^\s/\\?#\"'<>`|^(),;&\x00-\x1f]++)"
_SPECIAL: Final = re.compile(r"(?:https?|wss?|ftp):([\\/]*+)" + _AUTHORITY, re.IGNORECASE)
"""Of these schemes a browser takes any number of slashes, in either direction (WHATWG URL, section 4.4)."""
_ANY: Final = re.compile(r"(?<=[A-Za-z0-9+.-])://" + _AUTHORITY)
_RELATIVE: Final = re.compile(r"(?<![^\s\"'(\[{<>=,;|&?!])[\\/]{2}" + _AUTHORITY)
_PORT: Final = re.compile(r":[0-9]{0,5}\Z")
_AROUND: Final = "}]).,;:!*_~$>"
"""What sentences and markup leave at the end of a URL."""
_ESCAPED: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})")
_AFTER_SIGN: Final = re.compile(r"(?:[,;&'()]++|[\t\r\n]++(?=\.))(\.?(?:[\w-]++\.)++[\w-]++|\.[\w-]++)")
"""Signs that RFC 3986 allows in a host (sub-delims) and that nobody's host has; and breaks, which browsers leave out."""
_SCHEME: Final = re.compile(r"[A-Za-z0-9+.-]{1,30}\Z")
_FORM_SPAN: Final = 400
_IMAGE: Final = re.compile(
    r"!\[[^\]]*\]\([\s<]*\Z|\b(?:src|srcset|poster|background|data)\s*=\s*[\"']?[^\"'<>]*\Z|url\(\s*[\"']?\Z", re.IGNORECASE
)
_LINK: Final = re.compile(r"\]\([\s<]*\Z|<\Z|\b(?:href|action|formaction|cite|ping)\s*=\s*[\"']?\s*\Z", re.IGNORECASE)
_DEFINITION: Final = re.compile(r"(?:\A|\n)[ >]*\[([^\]\n]+)\]:[\s<]*\Z")


@dataclass(frozen=True, slots=True)
class Url:
    """Where one stands."""

    hosts: tuple[str, ...]
    """As it is written."""
    start: int

    def form(self, text: str) -> str:
        """How the text shows it."""
        before = text[max(0, self.start - _FORM_SPAN) : self.start]
        if _IMAGE.search(before):
            return "image"
        if definition := _DEFINITION.search(before):
            name = definition[1].lower()
            known = text.lower()
            is_image = any(f"{end}[{name}]" in known for end in ("!", "]")) and "![" in known
            return "image" if is_image else "link"
        return "link" if _LINK.search(before) else "url"


def urls_in(text: str) -> Iterator[Url]:
    """Every URL that names a host, in order of their kinds."""
    if "/" not in text and "\\" not in text and ":" not in text:
        return
    for match in _SPECIAL.finditer(text):
        host = _host(match[2])
        if host and (len(match[1]) > 1 or _reads_as_host(host)) and not _is_escaped(text, match, host):
            yield Url((host,), match.start())
            yield from _going_on(text, match)
    for match in _ANY.finditer(text):
        host = _host(match[1])
        if host and not _is_escaped(text, match, host):
            scheme = _SCHEME.search(text, max(0, match.start() - 30), match.start())
            yield Url((host,), scheme.start() if scheme else match.start())
            yield from _going_on(text, match)
    for match in _RELATIVE.finditer(text):
        host = _host(match[1])
        # A comment begins like it: `//log.trace(`.
        is_called = text[match.end() : match.end() + 1] == "("
        if host and _reads_as_host(host) and not (is_called and not _is_plausible(host)):
            yield Url((host,), match.start())


def _host(authority: str) -> str:
    """The host of an authority; empty: it has none."""
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    host = host.partition("[")[0].partition("]")[0].rstrip(_AROUND)
    return _PORT.sub("", host).rstrip(_AROUND).removeprefix("*.")


def _going_on(text: str, match: re.Match[str]) -> Iterator[Url]:
    """What follows a sign that ends a URL in sentences and is part of its host to some: `own.example;.host.example`."""
    if (rest := _AFTER_SIGN.match(text, match.end())) and is_before_path(rest[1].strip(".").lower().split(".")):
        yield Url((rest[1].strip("."),), match.start())


def _is_escaped(text: str, match: re.Match[str], host: str) -> bool:
    """Whether it is one label of a name that goes on, or begins, with an escape: the text without escapes has the name."""
    if "." in host:
        return False
    return _ESCAPED.match(text, match.end()) is not None or (
        _ESCAPED.match(text, match.end() - len(match[match.lastindex or 0]) - 1) is not None
    )


def _reads_as_host(host: str) -> bool:
    """Whether it does where no scheme, or nothing but a scheme, says so."""
    last = host.rpartition(".")[2]
    is_name = "." in host.strip(".") and len(last) > 1 and not last.isdigit()
    return is_name or ":" in host or ADDRESS.fullmatch(host) is not None


def _is_plausible(host: str) -> bool:
    return is_plausible(host.lower().split("."), follows_value=False, is_called=True)
