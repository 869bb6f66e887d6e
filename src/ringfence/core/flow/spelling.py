"""One spelling for a text, and where a value stands in it as a whole. Pure.

What people have said is folded freely. What a call says is not: a value that reads like another but has other characters is
matched as it stands, since the tool further on may tell the two apart.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import category, name, normalize

MOST_OF_VALUE: Final = 4_000
"""Characters of a value that is compared in any other way than as it stands."""
_LONGEST_WORD: Final = 1_000
"""Normalising takes quadratic time on long runs of combining marks."""
_UNSEEN: Final = frozenset({"Cf", "Cc", "Co", "Cn", "Cs"})
_FILLERS: Final = frozenset("\u034f\u115f\u1160\u3164\uffa0\u2800")
_EAST: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
_WORD: Final = re.compile(r"\w+")
_BEFORE: Final = frozenset("./\\-+~%$&@#")
_AFTER: Final = frozenset(".-@+/\\:=&%~$#'\u2019")
_MOST_TRIES: Final = 2_000
_SPLIT: Final = re.compile(r"[\s<>\"\u201c\u201d\u201e\u00ab\u00bb`(){}\[\],;|\u2026]+")
_LEFT: Final = "'\u2018\u2019\u201a*:!?"
_RIGHT: Final = "'\u2018\u2019*:!?."
_KEY: Final = re.compile(r"[A-Za-z_]{1,40}")


def spelled(text: str) -> str:
    """What people said, in one spelling (NFKC): invisible characters are gone, runs of white space are one space."""
    if text.isascii():
        return " ".join(text.split())
    words = (word if word.isascii() else _plain(word) for word in text.split())
    return " ".join(" ".join(words).split())


def _plain(word: str) -> str:
    if len(word) > _LONGEST_WORD:
        return "\u2026"
    plain = normalize("NFKC", word).replace("\u2010", "-")
    return "".join(char for char in plain if category(char) not in _UNSEEN and char not in _FILLERS)


def folded(text: str) -> str:
    """The text without the difference of capital and small letters. It keeps its length: places in both are the same."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


@lru_cache(maxsize=1024)
def is_exact_only(value: str) -> bool:
    """Whether a value of a call is compared as it stands and in no other way.

    So it is where normalising would change it (that may make a delimiter), where a character cannot be seen, where one word
    mixes scripts, and where it is very long.
    """
    if len(value) > MOST_OF_VALUE:
        return True
    if value.isascii():
        return not value.isprintable()
    return (
        normalize("NFKC", value) != value
        or any(category(char) in _UNSEEN or char in _FILLERS for char in value)
        or any(_is_mixed(word) for word in _WORD.findall(value))
    )


def _is_mixed(word: str) -> bool:
    scripts = {_script(char) for char in word if char.isalpha()}
    return len(scripts) > 1 and not scripts <= _EAST


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    return "LATIN" if char.isascii() else name(char, "?").partition(" ")[0]


def find_whole(text: str, value: str, start: int = 0) -> int:
    """Where the value stands in the text as a whole word, name or phrase, from `start` on; -1 where it does not.

    `.`, `-`, `/`, `@`, `+` and their like continue a word that they stand in: `a@x.example` is not in `a@x.example.net`.
    """
    if not value:
        return -1
    for _ in range(_MOST_TRIES):
        found = text.find(value, start)
        if found < 0:
            return -1
        if _begins(text, found) and _ends(text, found + len(value)):
            return found
        start = found + 1
    return -1


def _begins(text: str, at: int) -> bool:
    if at == 0:
        return True
    before = text[at - 1]
    if before.isalnum() or before == "_":
        return False
    if before in "#@":
        return at < 2 or not text[at - 2].isalnum()
    if before in ":=":
        return _is_key(text, at - 1)
    return before not in _BEFORE


def _is_key(text: str, end: int) -> bool:
    """Whether `key:` or `key=` stands there, and not `host:8080`."""
    begin = text.rfind(" ", max(0, end - 41), end) + 1
    return begin == end or _KEY.fullmatch(text, begin, end) is not None


def _ends(text: str, at: int) -> bool:
    if at >= len(text):
        return True
    after = text[at]
    if after.isalnum() or after == "_":
        return False
    if after not in _AFTER or at + 1 >= len(text):
        return True
    behind = text[at + 1]
    if after in "'\u2019":
        return behind in "sS" and (at + 2 >= len(text) or not text[at + 2].isalnum())
    return not (behind.isalnum() or behind in "_/\\")


def tokens(text: str) -> list[str]:
    """The words of a text as they stand between white space, brackets, quotes, commas and semicolons. Bounded by the text."""
    return [token for part in _SPLIT.split(text) if (token := part.lstrip(_LEFT).rstrip(_RIGHT))]


def passage(text: str, start: int, length: int, most: int = 160) -> str:
    """The words around a place, for people."""
    begin = max(0, start - (most - min(length, most)) // 2)
    if begin:
        space = text.find(" ", begin, start)
        begin = space + 1 if space >= 0 else begin
    return text[begin : begin + most].strip()
