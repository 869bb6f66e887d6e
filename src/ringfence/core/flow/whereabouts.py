"""Where a value was seen that nothing speaks for: for people, never for the decision. Pure.

What stands in a result proves nothing: who wrote it may have written anything, and may hide what he wrote from a search.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from ringfence.core.flow.sources.believed import Source
from ringfence.core.model.provenance import Heard, SourceKind

_MOST_SEARCHED: Final = 2_000_000
"""Characters of all results together that are searched for one value."""
_MOST_TEXTS: Final = 5_000
_MOST_OF_RESULT: Final = 600_000
_LEAST: Final = 2

NOWHERE: Final = Source(SourceKind.NOWHERE, "seen nowhere: the agent made it up, or has it from where nobody looks")


def whereabouts(value: str, heard: tuple[Heard, ...], *, quote: bool = True) -> Source:
    """The newest result that holds the value."""
    if len(value.strip()) < _LEAST:
        return NOWHERE
    left = _MOST_SEARCHED
    for needle, lowered in ((value, False), (value.lower(), True)):
        for one in reversed(heard):
            for pointer, text in _texts(one):
                left -= len(text)
                if left < 0:
                    return NOWHERE
                at = (text.lower() if lowered else text).find(needle)
                if at >= 0:
                    return _found(one, pointer, text, at, len(value), quote=quote)
    return NOWHERE


def _found(heard: Heard, pointer: str, text: str, at: int, length: int, *, quote: bool) -> Source:
    line = text.count("\n", 0, at) + 1
    place = f"{pointer}, line {line}" if "\n" in text else pointer
    begin = max(text.rfind("\n", 0, at) + 1, at - 60)
    quoted = " ".join(text[begin : at + min(length, 100) + 60].split("\n", 1)[0].split())[:200] if quote else ""
    return Source(SourceKind.RESULT, f"only in what {heard.tool} returned, at {place}", heard.entry, quoted)


def _texts(heard: Heard) -> tuple[tuple[str, str], ...]:
    if "texts" not in heard.memo:
        heard.memo["texts"] = tuple(_walk(heard.value))
    return heard.memo["texts"]


def _walk(value: Any) -> Iterable[tuple[str, str]]:
    waiting: list[tuple[str, Any]] = [("", value)]
    left = _MOST_OF_RESULT
    count = 0
    while waiting and count < _MOST_TEXTS and left > 0:
        pointer, item = waiting.pop()
        if isinstance(item, Mapping):
            inner = [(f"{pointer}/{name}"[:200], one) for name, one in cast("Mapping[str, Any]", item).items()]
            waiting.extend(reversed(inner[:_MOST_TEXTS]))
        elif isinstance(item, list):
            waiting.extend(
                reversed([(f"{pointer}/{place}", one) for place, one in enumerate(cast("list[Any]", item)[:_MOST_TEXTS])])
            )
        elif isinstance(item, str | int | float) and not isinstance(item, bool):
            text = str(item)[:left]
            left -= len(text)
            count += 1
            yield pointer, text
