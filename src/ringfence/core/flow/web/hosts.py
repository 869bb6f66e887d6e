"""One spelling for a host, and whose it is. Pure."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category, normalize
from urllib.parse import unquote

from ringfence.core.flow.web.readings import folded

_LONGEST_LABEL: Final = 63
_LONGEST: Final = 253
_PLAIN: Final = re.compile(r"[a-z0-9_.:-]+")
ADDRESS: Final = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
"""IPv4 in the form that people write."""


def canonical_host(text: str) -> str:
    """A host as it is compared and shown: escapes undone, folded, lower case, IDNA labels in ASCII, no dot at the end.

    Lower case and not case folding: `ß` and `ss` are two names (RFC 5892). What cannot be a name comes back as it reads, cut
    at 253 characters; it is nobody's own.
    """
    host = folded(unquote(text) if "%" in text else text).lower().removesuffix(".")
    if len(host) > _LONGEST or _PLAIN.fullmatch(host):
        return host
    return ".".join(map(_in_ascii, host.split(".")))


def _in_ascii(label: str) -> str:
    if label.isascii() or len(label) > _LONGEST_LABEL:
        return label
    if not all(char in "-_" or category(char)[0] in "LMN" for char in label):
        # What only looks like a dot or a slash is no letter of a name, and so the host is nobody's own.
        return label
    return "xn--" + normalize("NFC", label).encode("punycode").decode("ascii")


class Own:
    """Hosts that are not outside: names, and `*.name` for everything below one."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._hosts = frozenset(canonical_host(each) for each in patterns if not each.startswith("*."))
        self._below = tuple(f".{canonical_host(each[2:])}" for each in patterns if each.startswith("*.") and len(each) > 2)

    def has(self, host: str) -> bool:
        """Of a host in its canonical spelling."""
        return host in self._hosts or (host.endswith(self._below) and ".." not in host and _PLAIN.fullmatch(host) is not None)
