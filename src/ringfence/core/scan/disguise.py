"""Orders to a model that do not stand there as such: in base64, in hex, in letters that look like those of the words. And
credentials in base64 and hex. Pure.

A rule of this kind has no phrases of its own: where it hits, the text is read otherwise and looked through for those of all
other rules. Each such reading is one more pass, however many places there are, and no reading is read otherwise again.
"""

from __future__ import annotations

import binascii
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from ringfence.core.scan.disguise_rules import FOLDS
from ringfence.core.scan.engines import Exact, OnePass
from ringfence.core.scan.rule import Kind, Reading, Rule

_BETWEEN: Final = b"\n\0\n"
_SHORTEST: Final = {Reading.BASE64: 24, Reading.HEX: 32}
"""Signs. No order to a model, and no credential, is shorter."""
_AT_ONCE: Final = 256 << 10
"""Bytes that are read together."""
_UNWRAPPED: Final = bytes.maketrans(b"-_", b"+/")
_LATER_BYTES: Final = bytes(range(0x80, 0xC0))
"""Those of UTF-8 that begin no character."""


class Disguises:
    """Looks a second time, with the engines of a scanner."""

    def __init__(self, one_pass: OnePass, rules: tuple[Rule, ...], exact: list[Exact]) -> None:
        self._one_pass = one_pass
        self._rules = rules
        self._exact = exact
        self._passed = 0

    def passed(self) -> int:
        """Bytes that went through the one pass once more, since this was asked."""
        passed, self._passed = self._passed, 0
        return passed

    def spans(self, reading: Reading, places: Exact, text: bytes, kind: Kind) -> Iterator[tuple[int, int]]:
        """Begin and end, in the text, of what reads as an order, or as a secret: in order. `places` finds what may.

        Raises ENGINE_ERRORS.
        """
        return self._folded(text) if reading is Reading.FOLDED else self._decoded(reading, places, text, kind)

    def _found(self, text: bytes, kind: Kind) -> list[tuple[int, int]]:
        self._passed += len(text)
        found: list[tuple[int, int]] = []
        for place, _ in self._one_pass.hits(text):
            rule = self._rules[place]
            if rule.kind is kind and rule.reading is None and not rule.is_hidden:
                found += self._exact[place].spans(text, 0, len(text))
        return sorted(found)

    def _decoded(self, reading: Reading, places: Exact, text: bytes, kind: Kind) -> Iterator[tuple[int, int]]:
        where: list[tuple[int, int]] = []
        pieces: list[bytes] = []
        size = 0
        for begin, end in places.spans(text, 0, len(text)):
            if end - begin >= _SHORTEST[reading]:
                readings = _from_base64(text[begin:end]) if reading is Reading.BASE64 else _from_hex(text[begin:end])
                pieces.append(_BETWEEN.join(readings))
                where.append((begin, end))
                size += len(pieces[-1])
                # Whoever asks may have enough long before the end.
                if size > _AT_ONCE:
                    yield from self._those_with(pieces, where, kind)
                    where, pieces, size = [], [], 0
        yield from self._those_with(pieces, where, kind)

    def _those_with(self, pieces: list[bytes], where: list[tuple[int, int]], kind: Kind) -> Iterator[tuple[int, int]]:
        starts = [0, *accumulate(len(piece) + len(_BETWEEN) for piece in pieces)]
        last = -1
        for begin, _ in self._found(_BETWEEN.join(pieces), kind):
            if (index := bisect_right(starts, begin) - 1) != last:
                last = index
                yield where[index]

    def _folded(self, text: bytes) -> Iterator[tuple[int, int]]:
        whole = text.decode()
        folded = whole.translate(FOLDS).encode()
        at_folded = at_text = characters = 0

        def place(to: int) -> int:
            nonlocal at_folded, at_text, characters
            passed = _characters(folded[at_folded:to])
            at_text += len(whole[characters : characters + passed].encode())
            at_folded, characters = to, characters + passed
            return at_text

        for begin, end in self._found(folded, Kind.INSTRUCTIONS):
            if begin < at_folded:
                continue
            first, last = place(begin), place(end)
            if text[first:last] != folded[begin:end]:
                yield first, last


def _characters(piece: bytes) -> int:
    return len(piece.translate(None, _LATER_BYTES))


def _from_base64(run: bytes) -> Iterator[bytes]:
    # Where the code begins in a run of its letters is not said.
    run = run.translate(_UNWRAPPED, b"\r\n=")
    for offset in range(4):
        length = len(run) - offset
        # One sign by itself is no byte.
        code = run[offset : offset + length - (length % 4 == 1)]
        yield binascii.a2b_base64(code + b"=" * (-len(code) % 4)).replace(b"\0", b"")


def _from_hex(run: bytes) -> Iterator[bytes]:
    digits = run.lower().replace(b"\\x", b"").replace(b"0x", b"").translate(None, b" %:,\r\n")
    for offset in range(2):
        length = len(digits) - offset
        yield binascii.unhexlify(digits[offset : offset + length - length % 2]).replace(b"\0", b"")
