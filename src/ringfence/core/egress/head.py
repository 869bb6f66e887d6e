"""The head of an HTTP/1.1 message: where it ends, its first line, its fields. RFC 9112 without its leniencies. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ringfence.core.egress.opening import Refusal

MOST_CONNECT: Final = 8 * 1024
"""Bytes of the head of a CONNECT."""
MOST_INSIDE: Final = 64 * 1024
"""Bytes of a head inside a terminated connection: cookies and signed queries are long."""
MOST_FIELDS: Final = 128
END: Final = b"\r\n\r\n"
_STRAY = re.compile(rb"\0|(?<!\r)\n|\r(?!\n|\Z)")
"""NUL, LF without CR, CR without LF: where two parsers see two different heads."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

Fields = tuple[tuple[str, str], ...]
"""In order, names as they came, values latin-1 without surrounding blanks."""


@dataclass(frozen=True, slots=True)
class Head:
    first: str
    fields: Fields

    def all(self, name: str) -> list[str]:
        """The values of a field, by its name in lower case."""
        return [value for each, value in self.fields if each.lower() == name]


def length_of_head(data: bytes | bytearray, most: int, seen: int = 0) -> int | Refusal | None:
    """How many of the bytes are the head, its empty line included. None: more is needed.

    `seen`: how many of them were here before, when more was needed. They are not looked at again: a head that comes byte by
    byte would cost its length squared.
    """
    begin = max(0, seen - len(END))
    end = data.find(END, begin, most)
    upto = end + len(END) if end >= 0 else min(len(data), most)
    if found := _STRAY.search(data, begin, upto):
        return Refusal("malformed_head", 400, f"a stray control character at byte {found.start()}")
    if end < 0:
        return Refusal("head_too_large", 431, f"the head is longer than {most} bytes") if len(data) >= most else None
    return upto


def head_of(data: bytes) -> Head | Refusal:
    """A whole head, with or without its empty line."""
    first, *lines = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    if len(lines) > MOST_FIELDS:
        return Refusal("head_too_large", 431, f"more than {MOST_FIELDS} fields")
    if not _VALUE.fullmatch(first):
        return Refusal("malformed_head", 400, "a control character in the first line")
    fields: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            return Refusal("malformed_head", 400, "a line that is no field")
        fields.append((name, value.strip(" \t")))
    return Head(first, tuple(fields))
