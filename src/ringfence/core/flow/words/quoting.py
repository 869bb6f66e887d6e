"""Which parts of what people said are their own words, and said to be done. Pure.

An operator pastes what others have written: a mail, a log, a page. Such a part steers nothing. Left out are fenced code, lines
that begin with `>`, what stands between `<tag>` and `</tag>` or triple quotes, everything from the head of a forwarded mail on,
code within a line or a quotation where it is long, and paragraphs of more than 4,000 characters. It is left out rather once too
often: the price is a question.
"""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.flow.words.left_out import without_left_out
from ringfence.core.flow.words.negated import without_negated

MOST_WORDS: Final = 100_000
"""Characters of one statement that are read at all."""
_LONGEST_PARAGRAPH: Final = 4_000
_GAP: Final = "\n\u2026\n"
"""Stands where something was left out, so that no phrase spans the place."""
_MOST_TAGS: Final = 200
_TAG: Final = re.compile(r"<([A-Za-z][\w-]{0,40})(?:\s[^<>\n]{0,200})?>")
_FENCE: Final = re.compile(r"\s{0,8}(```+|~~~+)")
_FORWARDED: Final = re.compile(
    r"""\s*(?:
        [-_=*]{3,}\s*(?:original|forwarded|urspr\w+|weitergeleitete\w*|message|mensaje)\b.{0,80}
      | (?:begin\ forwarded\ message|anfang\ der\ weitergeleiteten|d\u00e9but\ du\ message)\b.{0,80}
      | (?:on|am|le|el)\ .{4,120}\ (?:wrote|schrieb|a\ \u00e9crit|escribi\u00f3)\b.{0,80}:
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_HEADER: Final = re.compile(
    r"\s*\*{0,2}(from|to|sent|date|subject|von|an|gesendet|datum|betreff|de|objet|para|asunto|fecha)\b\s*:", re.I
)
_SENDERS: Final = frozenset({"from", "von", "de"})
_TOPICS: Final = frozenset({"subject", "betreff", "objet", "asunto"})
_CODE: Final = re.compile(r"`([^`\n]{1,4000})`")
_QUOTATION: Final = re.compile(r"[\"\u201c\u201e\u00ab]([^\"\u201c\u201d\u201e\u00ab\u00bb\n]{200,4000})[\"\u201d\u201c\u00bb]")
_MOST_CODE: Final = 120


def own_words(text: str) -> str:
    """The text without what it quotes."""
    text = text[:MOST_WORDS].replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    if "<" in text:
        text = _without_tagged(text)
    for marks in ('"""', "'''"):
        if marks in text:
            # To the last ones: what is quoted may hold marks of its own, to end the quotation early.
            first, last = text.find(marks), text.rfind(marks)
            text = text[:first] + _GAP + (text[last + len(marks) :] if last > first else "")
    text = "\n".join(_lines(text))
    if "`" in text:
        text = _CODE.sub(lambda found: found[0] if len(found[1]) <= _MOST_CODE else _GAP, text)
    if len(text) >= _LONGEST_PARAGRAPH:
        paragraphs = re.split(r"\n[ \t]*\n", text)
        text = "\n\n".join(one if len(one) <= _LONGEST_PARAGRAPH else _GAP for one in paragraphs)
    return without_negated(without_left_out(_QUOTATION.sub(_GAP, text) if len(text) > 200 else text), _GAP)


def _lines(text: str) -> list[str]:
    kept: list[str] = []
    head: list[str] = []
    for line in _unfenced(text.split("\n")):
        if line.lstrip().startswith((">", "\u203a", "&gt;")):
            kept.append(_GAP)
            continue
        if _FORWARDED.fullmatch(line[:400]) is not None:
            return [*kept, _GAP]
        named = _HEADER.match(line)
        head = [*head, named[1].lower()] if named is not None else []
        kept.append(line)
        if len(head) >= 3 and _SENDERS & set(head) and _TOPICS & set(head):
            # The head of a mail that somebody else has sent: what follows is theirs.
            return [*kept[: -len(head)], _GAP]
    return kept


def _unfenced(lines: list[str]) -> list[str]:
    """Without fenced code, from the first fence to the last: what is fenced may hold fences of its own, to end its fence."""
    fences = [place for place, line in enumerate(lines) if _FENCE.match(line) is not None]
    if not fences:
        return lines
    return [*lines[: fences[0]], _GAP, *(lines[fences[-1] + 1 :] if len(fences) > 1 else [])]


def _without_tagged(text: str) -> str:
    kept: list[str] = []
    at = 0
    for _ in range(_MOST_TAGS):
        opening = _TAG.search(text, at)
        if opening is None:
            return "".join((*kept, text[at:]))
        closing = text.rfind(f"</{opening[1]}>", opening.end())
        if closing < 0:
            kept.append(text[at : opening.end()])
            at = opening.end()
        else:
            kept.extend((text[at : opening.start()], _GAP))
            at = closing + len(opening[1]) + 3
    return "".join(kept)
