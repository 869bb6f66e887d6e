"""Whether people's words give a name: of an address, a host, a path, somebody or something. Pure."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.flow.asked import Asked
from ringfence.core.flow.giving.phrases import at_token
from ringfence.core.flow.names.codes import path_of
from ringfence.core.flow.names.common_words import is_common
from ringfence.core.flow.spelling import find_whole, folded
from ringfence.core.flow.web.addresses import host_of
from ringfence.core.flow.web.networks import single_of
from ringfence.core.flow.words.spoken import Spoken
from ringfence.core.model.profile import Role

_PARTED: Final = re.compile(r"[-_]")
_NAME: Final = re.compile(r"[^\W\d_]+(?:['\u2019. _-]+[^\W\d_]+)*\.?")
_OWNER: Final = frozenset({"owner", "org", "organization", "organisation", "namespace", "workspace", "group", "team"})
_OWNED: Final = frozenset({"repo", "repository", "project", "package", "name"})
_HOSTS: Final = frozenset({"host", "hostname", "domain", "fqdn", "server", "endpoint", "url", "uri", "site"})
_UNCASED: Final = _OWNER | {
    "repo",
    "repos",
    "repository",
    "project",
    "projects",
    "channel",
    "channels",
    "room",
    "rooms",
    "board",
}
"""Arguments whose values no server keeps apart by capitals."""
_ABBREVIATED: Final = re.compile(r"[^\W\d_]+(?:\.? [^\W\d_]+)+\.?")
"""`Fa. Kurz`, which is no file."""
_FILED: Final = frozenset({"path", "file", "folder", "dir", "directory"})
_CASED: Final = re.compile(r"[\d./\\:$~]")
_VERSION: Final = re.compile(r"v?(\d{1,6}(?:\.\d{1,6}){1,4}(?:[-+][\w.-]{1,40})?)")
_SHORT: Final = 3
_MOST_PARTS: Final = 50


def gives_name(said: Spoken, asked: Asked, value: str) -> str | None:
    """An address, a host, a path, or the name of somebody or something."""
    if (single := single_of(value)) is not None and single in said.singles:
        return at_token(said, single)
    is_place = asked.role is Role.TARGET or not _HOSTS.isdisjoint(asked.name)
    if is_place and (host := host_of(value)) is not None:
        if host in said.hosts:
            return at_token(said, host)
        if "." in host and not _HOSTS.isdisjoint(asked.name):
            return None  # where a host stands, the name of a file is one
    if (versioned := _VERSION.fullmatch(value)) is not None:
        bare = versioned[1]
        found = next((at for one in (bare, f"v{bare}") if (at := find_whole(said.plain, one)) >= 0), -1)
        return said.around(max(found, 0), len(value)) if found >= 0 or bare in said.versions else None
    named = frozenset(asked.name)
    if (
        asked.role in (Role.TARGET, Role.SELECTOR)
        and not _UNCASED.isdisjoint(named)
        and _FILED.isdisjoint(named)
        and (found := _uncased(said, value, named)) is not None
    ):
        return found
    if "/" in value or "\\" in value or ("." in value and _ABBREVIATED.fullmatch(value) is None):
        path = path_of(value)
        if path is None:
            return None
        if path in said.paths:
            return at_token(said, value)
        if (found := find_whole(said.plain, value)) >= 0:
            return said.around(found, len(value))
        return _below_named(said, path)
    if value in (said.owners if _OWNER & named else said.owned if _OWNED & named else ()):
        return at_token(said, value)
    if _CASED.search(value) is not None and _ABBREVIATED.fullmatch(value) is None:
        found = find_whole(said.plain, value)
        return said.around(found, len(value)) if found >= 0 and not value.isdigit() else None
    return _phrase(said, asked, value)


def _uncased(said: Spoken, value: str, named: frozenset[str]) -> str | None:
    """A name with a slash or a digit, whatever its capitals, and with or without spaces around the slash: no file."""
    low = folded(value)
    if value[:1] in "/.~\\" or "//" in value or path_of(value) is None:
        return None
    parts = said.owners if _OWNER & named else said.owned if _OWNED & named else ()
    if "/" not in low and any(low == folded(part) for part in parts):
        return at_token(said, value)
    if ("/" in low or _CASED.search(low) is not None) and not low.isdigit() and find_whole(said.joined, low) >= 0:
        return at_token(said, value)
    return None


def _below_named(said: Spoken, path: str) -> str | None:
    """A name that people gave, in a folder that they gave."""
    folder, slash, name = path.rpartition("/")
    if not slash or not folder or folder not in said.paths:
        return None
    found = find_whole(said.plain, name)
    return said.around(found, len(name)) if found >= 0 and len(name) > _SHORT else None


def _phrase(said: Spoken, asked: Asked, value: str) -> str | None:
    low = folded(value)
    bare = low.lstrip("#@")
    if low[:1] in "#@" and low not in said.low_tokens:
        if low[0] == "#" and not any(
            find_whole(said.low, f"{noun} {bare}") >= 0 or find_whole(said.low, f"{bare} {noun}") >= 0
            for noun in ("channel", "kanal", "canal")
        ):
            return None
        low = bare
    if (is_common(low) or (len(low) <= _SHORT and low.isalpha())) and not _stands_out(said, asked, value, low):
        return None
    if (found := _whole_name(said, low)) >= 0:
        return said.around(found, len(low))
    if _PARTED.search(low) and _NAME.fullmatch(low) is not None:
        # People write `data warehouse` for `data-warehouse`; `data_warehouse` would be another name.
        apart = _PARTED.sub(" ", low)
        if (found := find_whole(said.low, apart)) >= 0:
            return said.around(found, len(apart))
    return None


def _whole_name(said: Spoken, low: str) -> int:
    """Where a phrase stands, and is no part of a longer name: `Phoenix` is another than `Phoenix Archive`. -1: nowhere."""
    at = find_whole(said.low, low)
    for _ in range(_MOST_PARTS):
        if at < 0:
            return -1
        end = at + len(low)
        if not (said.plain[at].isupper() and said.plain[end : end + 1] == " " and said.plain[end + 1 : end + 2].isupper()):
            return at
        at = find_whole(said.low, low, at + 1)
    return -1


def _stands_out(said: Spoken, asked: Asked, value: str, low: str) -> bool:
    """Whether a short or common word is said as a name: in quotes, after a sign, in capitals, beside the argument's noun."""
    marked = any(
        mark in said.raw
        for mark in (f'"{value}"', f"`{value}`", f"'{value}'", f"\u201c{value}\u201d", f"#{value}", f"@{value}")
    )
    if marked or low in said.quoted or (value.isupper() and len(value) > 1 and find_whole(said.plain, value) >= 0):
        return True
    if value[:1].isupper() and not is_common(low) and find_whole(said.plain, value) >= 0:
        return True
    return any(
        find_whole(said.low, f"{low} {noun}") >= 0 or find_whole(said.low, f"{noun} {low}") >= 0
        for noun in asked.nouns
        if noun not in ("a", "to")
    )
