"""Whether people's words ask for what a tool does: one of the words that the operator declared for it. Pure.

Words count where they are the speaker's own: not in quotation marks, and not where the same sentence says no to them. The price
of missing one is a question.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ringfence.core.definitions.wording import word_set
from ringfence.core.flow.spelling import spelled
from ringfence.core.flow.words.verb_forms import bare, forms_of

_NEAR: Final = 6
"""Words before a verb, and after it, in which a negation speaks of it."""
_APART: Final = 8
"""Words that may stand in the place of `...`."""
_GAP: Final = "..."
_LEFT_OUT: Final = re.compile(r"\n\u2026\n|\u2026|\.{2,}")
_BULLET: Final = r"[ \t]*(?:[-*\u2022]|\d{1,3}[.)])[ \t]"
_PARAGRAPH: Final = re.compile(rf"\n[ \t]*\n|\n(?={_BULLET})")
_ITEM: Final = re.compile(rf"\s*{_BULLET}")
_QUOTED: Final = re.compile(
    r"\"[^\"]{0,200}\"|\u201e[^\u201e\u201c\u201d]{0,200}[\u201c\u201d]|\u201c[^\u201c\u201d]{0,200}\u201d"
    r"|\u00ab[^\u00ab\u00bb]{0,200}\u00bb|\u00bb[^\u00ab\u00bb]{0,200}\u00ab|`[^`]{0,200}`"
    r"|\u2018[^\u2018\u2019]{0,200}\u2019(?!\w)|\u201a[^\u201a\u2018]{0,200}\u2018|(?<![\w'])'[^']{1,200}'(?!\w)"
)
_ELIDED: Final = re.compile(r"\b(l|d|n|s|m|t|c|j|qu)'(?=\w)")
_TOKEN: Final = re.compile(r"\w+(?:[-'./@:#\\=&%+]+\w+)*|[.!?;:,](?=\s|\Z)|[()\u2013\u2014]")
"""`pre-release`, `release.md`, `v2/release` are words of their own."""
_ENDS: Final = frozenset(".!?;:")
_PAUSES: Final = frozenset(",()\u2013\u2014")
_TURNS: Final = word_set("but instead aber sondern mais sino pero")
_TURNS_AFTER_PAUSE: Final = word_set("only just please then rather nur bitte dann puis donc solo entonces")
_AND: Final = word_set("and or und oder et ou y o")
_NEVER: Final = word_set("""
    not never don't dont doesn't didn't mustn't shouldn't won't wouldn't can't cannot avoid refrain neither nor nothing
    nobody nicht nie niemals keinesfalls weder statt anstatt ne n pas jamais evitez eviter nunca jamas ni evita evitar
    """)
"""What says no to a verb further on in the sentence. In Spanish `no` does, in English it says no to a thing."""
_NO: Final = word_set("no without kein keine keinen keinem keiner ohne sans sin aucun aucune ningun ninguna")
"""What says no to what follows before the next comma."""
_LATER: Final = word_set("nicht nie niemals nichts kein keine keinen keinem keiner pas jamais rien aucun aucune nada")
"""What says no to the verb before it."""
_NEXT: Final = word_set("no not none nothing nobody")
"""The same, where nothing stands between."""
_UNDONE: Final = re.compile(r"forget|hesitate|fail|only|miss|vergess|vergiss|zoger|nur|oubli|hesit|olvid|dud|seulement|solo")
"""`Do not forget to`, `not only`: what follows is asked for."""
_FORGOTTEN: Final = re.compile(r"vergess|vergiss|oubli|zoger|hesit")
"""`Vergiss nicht`, `n'oublie pas`: the same, with the verb in front of the negation."""

Sentence = tuple[str, ...]


def asks_for(raw: str, said_as: tuple[str, ...]) -> bool:
    """Whether own words (`Spoken.raw`) say one of the declared words or phrases, and do not say no to it.

    `...` in a phrase stands for up to 8 words of the same sentence: `gib ... frei`.
    """
    phrases = _phrases(said_as)
    return any(
        _is_said(sentence, at, phrase)
        for sentence in _sentences(raw)
        for at, token in enumerate(sentence)
        if token in phrases
        for phrase in phrases[token]
    )


@lru_cache(maxsize=256)
def _phrases(said_as: tuple[str, ...]) -> dict[str, tuple[tuple[frozenset[str] | None, ...], ...]]:
    """By every form of a phrase's first word, the forms of those that follow. None stands for the gap."""
    found: dict[str, tuple[tuple[frozenset[str] | None, ...], ...]] = {}
    for said in said_as:
        first, *rest = said.split()
        behind = tuple(None if word == _GAP else forms_of(word) for word in rest)
        for form in forms_of(first):
            found[form] = (*found.get(form, ()), behind)
    return found


@lru_cache(maxsize=32)
def _sentences(raw: str) -> tuple[Sentence, ...]:
    found: list[Sentence] = []
    forbids = False
    for paragraph in _PARAGRAPH.split(_LEFT_OUT.sub(" _ ", raw)):
        is_item = _ITEM.match(paragraph) is not None
        text = _ELIDED.sub(r"\1 ", bare(spelled(_QUOTED.sub(" _ ", paragraph.replace("\n", " ")))).replace("\u2019", "'"))
        # `Do not do any of this:` says no to every item of the list below it.
        here = ["not"] if is_item and forbids else []
        for token in _TOKEN.findall(text):
            if token in _ENDS:
                found.append(tuple(here))
                here = [] if token != ":" else [one for one in here if one in _NEVER][:1]
            else:
                here.append(token)
        found.append(tuple(here))
        if not is_item:
            forbids = not _NEVER.isdisjoint(here)
    return tuple(sentence for sentence in found if sentence)


def _is_said(sentence: Sentence, at: int, behind: tuple[frozenset[str] | None, ...]) -> bool:
    end = _end_of(sentence, at + 1, behind)
    return end is not None and not _is_negated(sentence, at, end)


def _end_of(sentence: Sentence, at: int, behind: tuple[frozenset[str] | None, ...]) -> int | None:
    """Where the phrase ends whose other words are these."""
    room = 0
    for forms in behind:
        if forms is None:
            room = _APART
            continue
        found = next((place for place in range(at, min(at + room + 1, len(sentence))) if sentence[place] in forms), None)
        if found is None:
            return None
        at, room = found + 1, 0
    return at


def _is_negated(sentence: Sentence, at: int, end: int) -> bool:
    return _is_forbidden(sentence, at) or _is_taken_back(sentence, at, end)


def _is_forbidden(sentence: Sentence, at: int) -> bool:
    """By what stands before it."""
    passed, paused = 0, False
    for place in range(at - 1, -1, -1):
        token = sentence[place]
        if token in _PAUSES:
            paused = True
            continue
        passed += 1
        turns = token in _TURNS or (token in _TURNS_AFTER_PAUSE and place > 0 and sentence[place - 1] in _PAUSES)
        if turns or passed > _NEAR:
            return False
        if token in _NEVER or (token in _NO and not paused):
            forgotten = place > 0 and _FORGOTTEN.match(sentence[place - 1]) is not None
            return not (forgotten or any(_UNDONE.match(one) for one in sentence[place + 1 : at]))
    return False


def _is_taken_back(sentence: Sentence, at: int, end: int) -> bool:
    """By what stands within it or after it."""
    if not _LATER.isdisjoint(sentence[at:end]) or not _NEXT.isdisjoint(sentence[end : end + 1]):
        return True
    for token in sentence[end : end + _NEAR]:
        if token in _PAUSES or token in _TURNS or token in _AND:
            return False
        if token in _LATER:
            return True
    return False
