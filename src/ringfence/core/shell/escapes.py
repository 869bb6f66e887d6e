"""Escapes: of `$'..'` (bash, ANSI-C Quoting), of `printf` and of `echo -e`."""

from __future__ import annotations

import re
from typing import Final

_SIMPLE: Final = {"a": 7, "b": 8, "e": 27, "E": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_ANSI: Final = re.compile(
    r"\\(?:([abeEfnrtv])|([\\'\"?])|([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|c(\\\\|[^\\]))",
    re.DOTALL,
)
_PRINTED: Final = re.compile(
    r"\\(?:([abeEfnrtv])|([\\'\"])|(?:0?([0-7]{1,3}))|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(c))"
)
_ASCII: Final = 128


def ansi(text: str) -> str | None:
    """What stands between `$'` and `'`. A NUL ends it, as it does in bash. None: no text that this can be."""
    return _decoded(_ANSI, text, is_control=True)


def printed(text: str) -> str | None:
    """What `printf` makes of its format, and of an operand of `%b`. None: nobody knows."""
    if "\\c" in text:
        return None
    return _decoded(_PRINTED, text, is_control=False)


def _decoded(pattern: re.Pattern[str], text: str, *, is_control: bool) -> str | None:
    if "\\" not in text:
        return text
    made = bytearray()
    at = 0
    for found in pattern.finditer(text):
        made += text[at : found.start()].encode("utf-8", "surrogateescape")
        at = found.end()
        piece = _piece(found, is_control=is_control)
        if piece is None:
            return None
        if piece == b"\0":
            if is_control:
                # bash stops at a NUL and goes on behind the closing quote.
                return _text(made)
            return None
        made += piece
    made += text[at:].encode("utf-8", "surrogateescape")
    return _text(made)


def _piece(found: re.Match[str], *, is_control: bool) -> bytes | None:
    simple, itself, octal, hexadecimal, short, long, last = found.groups()
    if simple:
        return bytes([_SIMPLE[simple]])
    if itself:
        return itself.encode()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    if short or long:
        point = int(short or long, 16)
        # What others become depends on the locale.
        return bytes([point]) if point < _ASCII else None
    if is_control and last and len(last) == 1 and ord(last) < _ASCII:
        return bytes([ord(last.upper()) ^ 64 if last != "?" else 127])
    return None


def _text(made: bytearray) -> str:
    return made.decode("utf-8", "surrogateescape")
