"""What in a call's arguments reaches a host that is not the operator's own. Pure, linear, bounded.

    names_outside({"body": "see https://a.example/?d=4711"}, ("corp.example", "*.corp.example"))
    # (Outside(pointer="/body", host="a.example", form="url"),)

A link that is rendered, an image that is shown and a name that is resolved send their own text to whoever runs the host, so a
call that holds one is a way out whatever its tool is called (reference: data leaving by URL, image and name). Every spelling is
read in which somebody further on may read it (`readings`), and everything around a name that says what it is counts more than
the name's own look (`suffixes`). Nothing is decoded that is not escaped: base64 and what is split over arguments are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.core.approvals.card import escape
from ringfence.core.flow.web.hosts import Own, canonical_host
from ringfence.core.flow.web.named_hosts import Name, addresses_in, names_in
from ringfence.core.flow.web.readings import readings
from ringfence.core.flow.web.urls import Url, urls_in
from ringfence.core.scan.places import Place

MOST_OUTSIDE: Final = 50
MOST_TEXT: Final = 1 << 20
"""Characters of a call's texts and keys that are read."""
UNREAD: Final = "*"
"""In place of a host, for what lies beyond `MOST_TEXT`: it may name any."""
_LONGEST: Final = 253
_SHORTEST: Final = 4
"""`a.co`"""
_FETCHED: Final = frozenset({"http", "https", "ws", "wss", "ftp", "ftps", "sftp", "ssh", "ldap", "ldaps", "smb", "gopher"})
"""Schemes whose addresses are reached over a network. `git` is one that MCP gives to resources of a server."""


@dataclass(frozen=True, slots=True)
class Outside:
    """One way out that a call names."""

    pointer: str
    """JSON pointer of the text; for a key, of what stands below it."""
    host: str
    """As it is compared: in lower case, IDNA labels in ASCII, at most 253 characters. `*`: unread."""
    form: str
    """`image` and `link` (Markdown, HTML, CSS), `url`, `address` (somebody at a host), `name`."""


def names_own_thing(text: str) -> bool:
    """Whether a URI names something of the server that is asked (MCP resources: `memo://insights`): nothing fetches its scheme.

    Not where it holds another address, or an `@`.
    """
    scheme, colon, rest = text.strip().partition("://")
    is_name = bool(colon) and scheme.isascii() and scheme.replace("-", "").replace("+", "").replace(".", "").isalnum()
    return is_name and scheme.lower() not in _FETCHED and not any(sign in rest for sign in ("//", "@", "%", ":/"))


def names_outside(arguments: Mapping[str, Any], own: tuple[str, ...]) -> tuple[Outside, ...]:
    """Every host in texts and keys, at any depth, that is not `own`: the first 50, each once for each text.

    `own` holds hosts, and `*.host` for everything below one (not the host itself). Adding words to a text, or a text to the
    arguments, never takes one away but for these bounds.
    """
    mine, found, left = Own(own), list[Outside](), MOST_TEXT
    for place, text in _texts(arguments):
        is_cut = len(text) > left
        if is_cut:
            found.append(Outside(str(place), UNREAD, "name"))
            text = text[:left]
        left -= len(text)
        seen: set[str] = set()
        for host, named, reading in _hosts_in(text, mine):
            if host not in seen and len(found) < MOST_OUTSIDE:
                seen.add(host)
                found.append(Outside(str(place), host, named.form(reading)))
        if is_cut or len(found) >= MOST_OUTSIDE:
            break
    return tuple(found[:MOST_OUTSIDE])


def _hosts_in(text: str, own: Own) -> Iterator[tuple[str, Url | Name, str]]:
    if len(text) < _SHORTEST or not ("." in text or ":" in text or not text.isascii() or any(sign in text for sign in "%&\\")):
        return
    texts = list(readings(text))
    # What says most about a host comes first: its form is the one that is told.
    for find in (urls_in, addresses_in, names_in):
        for each in texts:
            for named in find(each):
                hosts = [canonical_host(one) for one in named.hosts]
                if not any(map(own.has, hosts)):
                    yield hosts[0][:_LONGEST], named, each


def _texts(arguments: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Every text and key with its place, in the order in which they stand."""
    stack: list[tuple[Place, Any]] = [(Place(None, ""), arguments)]
    while stack:
        place, value = stack.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, Mapping):
            inner = [(Place(place, escape(key)), key, item) for key, item in cast("Mapping[str, Any]", value).items()]
            yield from ((below, key) for below, key, _ in inner)
            stack.extend((below, item) for below, _, item in reversed(inner))
        elif isinstance(value, list | tuple):
            items = cast("list[Any]", value)
            stack.extend((Place(place, str(index)), items[index]) for index in reversed(range(len(items))))
