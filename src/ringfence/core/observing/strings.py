"""Replacing parts of strings in the bytes of a JSON text; every other byte stays as it was. Pure.

A body that is parsed and written again could read differently to the vendor, and what it has cached would be cached no more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

# Possessive: what was read is never looked at again, and nothing is kept for that.
_STRING: Final = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_UNIT: Final = re.compile(rb"[^\\]+|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL)
_STRETCH: Final = re.compile(rb"(?:[^\\]{1,64}+|\\u[0-9a-fA-F]{4}|\\.){1,1024}+", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_BACKSLASH: Final = 0x5C
_HIGH: Final = range(0xD800, 0xDC00)
_LOW: Final = range(0xDC00, 0xE000)


def read_strings(data: bytes) -> Any:
    """The value of a JSON text that was read strictly before, with nothing in the place of its numbers: strings are counted.

    Raises ValueError for what is none.
    """
    return _DECODER.decode(data.decode("utf-8"))


def _nothing(_: str) -> None:
    return None


_DECODER: Final = json.JSONDecoder(parse_int=_nothing, parse_float=_nothing, parse_constant=_nothing)


class Cut(NamedTuple):
    """A part of a string, in bytes of its UTF-8, and the plain ASCII that takes its place."""

    begin: int
    end: int
    mask: str


def with_cuts(data: bytes, cuts: Mapping[int, Sequence[Cut]]) -> bytes:
    """The same JSON text with these parts replaced.

    `cuts`: by the number of the string, counted from 0 in the order of the text; of one string in order, apart from each other.
    """
    pieces: list[bytes] = []
    last, left = 0, len(cuts)
    for number, string in enumerate(_STRING.finditer(data)):
        if number in cuts:
            begin, end = string.span(1)
            pieces.append(data[last:begin])
            pieces.append(_cut(data[begin:end], cuts[number]))
            last = end
            left -= 1
            if not left:
                break
    pieces.append(data[last:])
    return b"".join(pieces)


def _cut(raw: bytes, cuts: Sequence[Cut]) -> bytes:
    pieces: list[bytes] = []
    last = 0
    for cut, (begin, end) in zip(cuts, _places(raw, cuts), strict=True):
        pieces += [raw[last:begin], cut.mask.encode("ascii")]
        last = end
    return b"".join([*pieces, raw[last:]])


def _places(raw: bytes, cuts: Sequence[Cut]) -> list[tuple[int, int]]:
    """Where cuts begin and end in the string as it is written."""
    if b"\\" not in raw:
        return [(cut.begin, cut.end) for cut in cuts]
    wanted = [place for cut in cuts for place in cut[:2]]
    found: list[int] = []
    said, after_high = 0, False
    for stretch in _STRETCH.finditer(raw):
        first, last = stretch.span()
        if len(found) == len(wanted):
            break
        if b"\\u" not in (written := raw[first:last]):
            # Long texts are full of line breaks: what lies before the next cut is only measured.
            size = len(_ESCAPE.sub(b".", written))
            if wanted[len(found)] > said + size:
                said, after_high = said + size, False
                continue
        for unit in _UNIT.finditer(raw, first, last):
            begin, end = unit.span()
            size, after_high = _size(raw[begin:end], after_high)
            # A cut begins before the escape that stands for its first character, and ends after that of its last.
            while len(found) < len(wanted) and (
                wanted[len(found)] < said + size or (wanted[len(found)] == said and len(found) % 2 == 1)
            ):
                is_plain = raw[begin] != _BACKSLASH
                found.append(begin + (wanted[len(found)] - said) if is_plain else begin)
            said += size
    found += [len(raw)] * (len(wanted) - len(found))
    return list(zip(found[::2], found[1::2], strict=True))


def _size(unit: bytes, after_high: bool) -> tuple[int, bool]:
    """Bytes of UTF-8 that a piece of a written string stands for, and whether it is the first half of a pair."""
    if unit[:2] != b"\\u":
        return (len(unit), False) if unit[0] != _BACKSLASH else (1, False)
    code = int(unit[2:], 16)
    if after_high and code in _LOW:
        return 1, False  # with the three of the first half: four
    if code < 0x80:
        return 1, False
    return (2 if code < 0x800 else 3), code in _HIGH
