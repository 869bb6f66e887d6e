"""The trusted word that a value nearly is: for people, who miss one changed letter. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from ringfence.core.flow.words.spoken import spoken_of
from ringfence.core.model.provenance import Flow

_MOST_COMPARED: Final = 20_000
_LEAST: Final = 4
_LONGEST: Final = 300


def nearest(value: str, flow: Flow) -> str:
    """A word of the trusted words or of the configuration that differs in one character; empty where there is none."""
    if not _LEAST <= len(value) <= _LONGEST:
        return ""
    return next((word for word in islice(_trusted(flow), _MOST_COMPARED) if _differ_in_one(value, word)), "")


def _trusted(flow: Flow) -> Iterable[str]:
    rules = flow.rules
    yield from (*rules.contacts, *rules.hosts, *rules.paths, *rules.values)
    for words in flow.words:
        yield from sorted(spoken_of(words).tokens)


def _differ_in_one(one: str, other: str) -> bool:
    """Whether one character is another, missing or too many. Linear."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    short, long = sorted((one, other), key=len)
    at = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[at + (len(short) == len(long)) :] == long[at + 1 :]
