"""Whom people leave out by a short word right before: `send it to bob@corp.example, not carol@corp.example`. Pure.

Beside `negated.py`, which leaves out the rest of a clause, this one takes addresses, hosts, channels and ids alone, one at a
time, and so reads more words as a no. What is left out gives nothing; to leave out too much costs a question.
"""

from __future__ import annotations

import re
from typing import Final

_ADDRESS: Final = (
    r"(?:[^\s<>\"`,;()@]{1,120}@[^\s<>\"`,;()@]{1,200}|[A-Za-z][\w+.-]{1,20}://[^\s<>\"`,;()]{1,300}"
    r"|[#@][\w-]{2,80}|\w[\w-]{0,62}(?:\.[\w-]{1,63}){0,6}\.[a-zA-Z]{2,24}\b)"
)
_ID: Final = r"(?:[A-Za-z]{1,8}-?\d{1,20}\b)"
_GAP: Final = r"(?:[ \t]*\n(?![ \t]*\n)[ \t]*|[ \t]+)"
_SMALL: Final = rf"(?:{_GAP}[\w'\u2019-]{{1,20}})"
_TO: Final = r"(?:to|for|via|with|in|on|at|cc|bcc|copy|an|f\u00fcr|mit|nach|zu|auf|a|al|\u00e0|au|para|con|en|avec|pour|chez)"
_FROM: Final = re.compile(r"\b(?:from|by|von|vom|de|del|du|about|over)\s*\Z", re.IGNORECASE)
"""`I have heard nothing from bob@corp.example`: somebody who is spoken of."""
_HASTE: Final = re.compile(
    r"\b(?:delay|hurry|hesitat|wait|verzug|eile|z\u00f6ger|d\u00e9lai|attendre|tarder|demora|tardar|only|nur|seulement|solo|forget|vergess|vergiss|oubli|olvid)",
    re.IGNORECASE,
)
_TOLD: Final = re.compile(
    r"\b(?:have|has|had|did|does|was|were|is|are|am|could|would|ha(?:be|t|ben|st|tte)|ist|war|a|ai|ont|est|he|ha|han|vergiss|if|wenn|si)\s*\Z",
    re.IGNORECASE,
)
"""Before `not`: it tells what was, and forbids nothing."""
_NO: Final = re.compile(
    rf"""(?<![\w'\u2019-])(?:
        (?:not|never|nicht|niemals|nie|pas|jamais|nunca|jam\u00e1s|avoid|ni|nor){_SMALL}{{0,3}}?
      | (?:no|kein(?:e|en)?|nothing|nichts|rien|nada)(?:{_SMALL}{{0,2}}?{_GAP}{_TO})?
      | (?:without|ohne|sans|sin){_SMALL}{{0,2}}?
    ){_GAP}(?P<address>{_ADDRESS})
    | (?<![\w'\u2019-])(?:not|nicht|pas|without|ohne|sans|sin){_SMALL}?{_GAP}(?P<id>{_ID})""",
    re.IGNORECASE | re.VERBOSE,
)
_MODAL: Final = re.compile(
    rf"""{_GAP}(?:
        (?:must|should|may|shall|need|can)(?:{_GAP}not|n['\u2019]t|not)
      | (?:darf|soll|sollte){_SMALL}{{0,2}}?{_GAP}(?:nicht|nichts|kein\w*)
      | ne{_GAP}(?:doit|devrait|peut){_GAP}(?:pas|rien) | no{_GAP}(?:debe|puede)
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_WHOLE: Final = re.compile(_ADDRESS)
_APART: Final = ' \t\n<>"`,;()'
_MORE: Final = re.compile(
    rf"{_GAP}(?:or|nor|and|oder|noch|und|ou|et|ni|o|y){_GAP}(?:{_TO}{_GAP})?(?P<address>{_ADDRESS}|{_ID})", re.IGNORECASE
)
_LIST: Final = re.compile(r"(?:[ \t]*(?:[-*\u2022]|\d{1,3}[.)])[ \t][^\n]{0,400}(?:\n|\Z))+")
_HEAD: Final = re.compile(
    r"\b(?:(?:do|must|should|may) not|don['\u2019]?t|never|nicht|nie|niemals|ne \w+ (?:pas|jamais)|no|nunca)\b"
    r"[^\n.!?]{0,60}:[ \t]*\n{1,2}",
    re.IGNORECASE,
)
_MOST: Final = 500
_LONGEST: Final = 400


def without_left_out(text: str) -> str:
    """The text with an ellipsis for everybody and everything that a word right before leaves out. Not within a line's code."""
    spans: list[tuple[int, int]] = []
    for found in _found(_NO, text):
        kind = "address" if found["address"] else "id"
        before = text[found.start() : found.start(kind)]
        if _FROM.search(before) or _HASTE.search(before) or _TOLD.search(text[max(0, found.start() - 12) : found.start()]):
            continue
        spans.append(found.span(kind))
        more = _MORE.match(text, found.end())
        for _ in range(20):
            if more is None:
                break
            spans.append(more.span("address"))
            more = _MORE.match(text, more.end())
    for found in _found(_MODAL, text):
        begin = max(text.rfind(mark, max(0, found.start() - _LONGEST), found.start()) for mark in _APART) + 1
        if _WHOLE.fullmatch(text, begin, found.start()) is not None:
            spans.append((begin, found.start()))
    spans += [listed.span() for found in _found(_HEAD, text) if (listed := _LIST.match(text, found.end())) is not None]
    kept: list[str] = []
    at = 0
    for begin, end in sorted(spans):
        if begin >= at and text.count("`", text.rfind("\n", 0, begin) + 1, begin) % 2 == 0:
            kept += (text[at:begin], "\u2026")
            at = end
    return "".join((*kept, text[at:]))


def _found(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    return [found for found, _ in zip(pattern.finditer(text), range(_MOST), strict=False)]
