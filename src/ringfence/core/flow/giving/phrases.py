"""Where phrases and values stand in what people said. Pure."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.flow.spelling import find_whole, folded
from ringfence.core.flow.words.spoken import Spoken

_SOME: Final = " ... "
_SENTENCE: Final = re.compile(r"[.!?;](?= |\Z)")
_FAR: Final = 80
_MOST_PARTS: Final = 50


def any_of(said: Spoken, phrases: tuple[str, ...]) -> str | None:
    for phrase in phrases:
        found = _parted(said.low, *phrase.split(_SOME)) if _SOME in phrase else find_whole(said.low, phrase)
        if found >= 0:
            return said.around(found, len(phrase))
    return None


def _parted(text: str, first: str, second: str) -> int:
    """Where two words stand in one sentence, the second soon after the first."""
    at = find_whole(text, first)
    for _ in range(_MOST_PARTS):
        if at < 0:
            break
        begin = at + len(first)
        found = find_whole(text[: begin + _FAR], second, begin)
        if found >= 0 and not _SENTENCE.search(text, begin, found):
            return at
        at = find_whole(text, first, at + 1)
    return -1


def at_token(said: Spoken, value: str) -> str:
    found = said.low.find(folded(value))
    return said.around(max(found, 0), len(value))
