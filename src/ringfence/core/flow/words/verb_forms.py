"""How one verb is written in a sentence: plain inflection in English, German, French and Spanish. Pure.

Regular forms only. Whoever needs `sent` beside `send`, or `cierra` beside `cerrar`, declares both: no form is a synonym, and
none has a prefix that the verb has not (`unlock` is no form of `lock`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import category, normalize


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_LEAST: Final = 4
"""Letters of a stem. A shorter one is the beginning of too many other words."""
_VOWELS: Final = frozenset("aeiou")
_GERMAN: Final = _list("e en t et te st")
_FRENCH_OR_SPANISH: Final = {
    "er": _list("er e es ez ons ent ee ees a ant o en emos an as ido ida iendo"),
    "ar": _list("ar a as an o os e es en amos emos ando ado ada ados adas"),
    "ir": _list("ir e es en o a as an imos ido ida idos idas iendo it is issez i"),
}
_SEPARABLE: Final = re.compile(
    r"(ab|an|auf|aus|bei|ein|frei|los|nach|um|vor|weg|weiter|zu|zur\u00fcck|zurueck|zuruck|zusammen)(\w{3,}en)"
)


def bare(text: str) -> str:
    """Small letters without their accents: `lib\u00e8re` is `libere`, as people write it on keyboards that have none."""
    text = text.lower().replace("\u00df", "ss")
    if text.isascii():
        return text
    return "".join(char for char in normalize("NFD", text) if category(char) != "Mn")


@lru_cache(maxsize=2048)
def forms_of(verb: str) -> frozenset[str]:
    """The verb and its regular forms, bare."""
    word = bare(verb)
    if not word.isalpha() or len(word) < 3:
        return frozenset({word})
    return frozenset({word, *_english(word), *_german(word), *_romance(word)})


def _english(word: str) -> tuple[str, ...]:
    if not word.isascii():
        return ()
    stem = word[:-1]
    if word.endswith("e"):
        return (f"{word}s", f"{word}d", f"{stem}ing")
    if word.endswith("y") and word[-2] not in _VOWELS:
        return (f"{stem}ies", f"{stem}ied", f"{word}ing")
    plain = (f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s", f"{word}ed", f"{word}ing")
    if word[-1] not in _VOWELS | {"w", "x", "y"} and word[-2] in _VOWELS and word[-3] not in _VOWELS:
        return (*plain, f"{word}{word[-1]}ed", f"{word}{word[-1]}ing")
    return plain


def _german(word: str) -> tuple[str, ...]:
    stem = word[:-2]
    if not word.endswith("en") or len(stem) < _LEAST:
        return ()
    found = [f"{stem}{ending}" for ending in _GERMAN]
    found += (f"{stem}t",) if stem.endswith("ier") else (f"ge{stem}t", f"ge{stem}en")
    if (parts := _SEPARABLE.fullmatch(word)) is not None:
        prefix, rest = parts[1], parts[2]
        found += (f"{prefix}zu{rest}", f"{prefix}ge{rest[:-2]}t", f"{prefix}ge{rest}")
    return tuple(found)


def _romance(word: str) -> tuple[str, ...]:
    stem = word[:-2]
    if len(stem) < _LEAST:
        return ()
    return tuple(f"{stem}{ending}" for ending in _FRENCH_OR_SPANISH.get(word[-2:], ()))
