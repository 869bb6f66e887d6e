"""Hosts in a text that no URL names: somebody at a host, and words that hold dots. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ringfence.core.flow.web.hosts import ADDRESS
from ringfence.core.flow.web.suffixes import is_before_path, is_plausible

_AT: Final = re.compile(r"@(\w[\w-]*+(?:\.[\w-]++)++)")
_AT_LITERAL: Final = re.compile(r"@\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]")
"""`user@[192.0.2.7]` (RFC 5321, section 4.1.3)."""
_NAME: Final = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)++")
_ABROAD: Final = re.compile(r"(?<![\w-])[\w-]++(?:\.[\w-]++)++")
_OF_ESCAPE: Final = {"%": re.compile(r"(?:25)*[0-9A-Fa-f]{2}"), "\\": re.compile(r"u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrtbf]")}
"""What belongs to an escape where a word follows one: the word behind it is read as well."""
_BEHIND_VALUE: Final = ")}`]\"'>%"
_VALUE: Final = ")}`"
"""Ends of what a shell or a template puts in."""
_NO_TOKEN: Final = "/\\.~$"
_EDGES: Final = "-_"
_SENTENCE: Final = re.compile(r"\.(?:It|Is|In|So|To|Do|No|At|Be|By|As|Us|Me|My|Am)\Z")
"""A sentence that begins without a blank before it."""


@dataclass(frozen=True, slots=True)
class Name:
    """One, with how else it may be read."""

    hosts: tuple[str, ...]
    kind: str

    def form(self, text: str) -> str:
        """How the text shows it."""
        return self.kind


def addresses_in(text: str) -> Iterator[Name]:
    """Somebody at a host: mail addresses, `user@host`. Not versions (`tool@1.2`) and decorators (`@app.route`)."""
    if "@" not in text:
        return
    for match in _AT_LITERAL.finditer(text):
        yield Name((match[1],), "address")
    for match in _AT.finditer(text):
        host = match[1].rstrip(_EDGES)
        labels = host.lower().split(".")
        before = text[match.start() - 1 : match.start()]
        is_called = text[match.end() : match.end() + 1] == "("
        plausible = is_plausible(labels, follows_value=False, is_called=is_called)
        if before and (before.isalnum() or before in "._+-}\"'"):
            is_host = len(labels[-1]) > 1 and labels[-1].isalpha() and not labels[0].isdigit()
            if is_host or plausible or ADDRESS.fullmatch(host):
                yield Name((host,), "address")
        elif plausible:
            yield Name((host,), "name")


def names_in(text: str) -> Iterator[Name]:
    """Words that hold dots and read as a host, or stand where one has to."""
    if "." not in text:
        return
    taken: list[tuple[int, int]] = []
    if not text.isascii():
        for match in _ABROAD.finditer(text):
            word = match[0].strip(_EDGES)
            if not word.isascii() and _is_host(text, match, word):
                taken.append(match.span())
                yield Name((word,), "name")
    at = 0
    for match in _NAME.finditer(text):
        while at < len(taken) and taken[at][1] <= match.start():
            at += 1
        if at < len(taken) and taken[at][0] <= match.start():
            continue
        word = match[0].strip(_EDGES)
        if word and _is_host(text, match, word) and (hosts := _without_escape(text, match, word)):
            yield Name(hosts, "name")


def _is_host(text: str, match: re.Match[str], word: str) -> bool:
    start, end = match.span()
    before, behind = text[start - 1 : start] if start else "", text[end : end + 2]
    if before == "@":
        return False
    if word[-1].isdigit():
        return ADDRESS.fullmatch(word) is not None and (
            (behind[:1] == ":" and behind[1:].isdigit()) or (behind[:1] == "/" and behind[1:].isalpha())
        )
    labels = word.lower().split(".")
    if len(labels) == 2 and labels[0].isalpha() and _SENTENCE.search(word):
        return behind[:1] == "/"
    glue = text[start - 2] if before == "." and start > 1 else before
    follows_value = glue != "" and glue in (_BEHIND_VALUE if before == "." else _VALUE)
    if is_plausible(labels, follows_value=follows_value, is_called=behind[:1] == "("):
        return True
    is_token = not before or before not in _NO_TOKEN or follows_value
    return is_token and behind[:1] == "/" and behind[1:].isalnum() and is_before_path(labels)


def _without_escape(text: str, match: re.Match[str], word: str) -> tuple[str, ...]:
    """The word, and before it what is left where its beginning belongs to an escape: `%2Fhost.example`, `\\nhost.example`.

    None where that is nothing: the text without its escapes has the name.
    """
    escape = _OF_ESCAPE.get(text[match.start() - 1]) if match.start() else None
    cut = escape.match(word) if escape else None
    if cut is None:
        return (word,)
    rest = word[cut.end() :].lstrip(".")
    return (rest, word) if "." in rest else ()
