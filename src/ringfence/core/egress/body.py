"""Where the body of an HTTP/1.1 message ends (RFC 9112, sections 6 and 7), and its bytes without the framing. Pure.

Anything that two parsers could read in two ways is refused: both lengths at once, two lengths, codings besides `chunked`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ringfence.core.egress.head import Head
from ringfence.core.egress.opening import Refusal

_LENGTH = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e]*)?")
_LONGEST_LINE: Final = 1024
_MOST_TRAILER: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Framing:
    length: int | None = 0
    """Bytes; None: not said beforehand."""
    chunked: bool = False


NO_BODY: Final = Framing()
CHUNKED: Final = Framing(None, chunked=True)
UNTIL_END: Final = Framing(None)
"""To the end of the connection: answers only."""


def framing_of(head: Head) -> Framing | Refusal:
    """How the body is framed; none at all counts as none."""
    codings, lengths = head.all("transfer-encoding"), head.all("content-length")
    if codings and lengths:
        return Refusal("framing", 400, "Transfer-Encoding and Content-Length together")
    if codings:
        if [each.lower() for each in codings] != ["chunked"]:
            return Refusal("framing", 400, "a transfer coding other than chunked")
        return CHUNKED
    if not lengths:
        return NO_BODY
    if len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        return Refusal("framing", 400, "not one plain Content-Length")
    return Framing(int(lengths[0]))


class Body:
    """One body as it comes in. What lies behind its end is kept in `rest`."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._left = framing.length or 0
        self._line = bytearray()
        self._state = "size" if framing.chunked else "data"
        self._trailer = 0
        self.done = framing == NO_BODY
        self.rest = b""

    def feed(self, data: bytes) -> bytes | Refusal:
        """The next bytes of the connection; those of the body are returned."""
        if self.done:
            self.rest += data
            return b""
        if self._framing.chunked:
            return self._chunked(data)
        if self._framing.length is None:
            return data
        taken, self.rest = data[: self._left], data[self._left :]
        self._left -= len(taken)
        self.done = not self._left
        return taken

    def end(self) -> bool:
        """The connection has ended. False: in the middle of the body."""
        if self._framing == UNTIL_END:
            self.done = True
        return self.done

    def _chunked(self, data: bytes) -> bytes | Refusal:
        pieces: list[bytes] = []
        at = 0
        while at < len(data):
            if self._state == "data":
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = "close"
                continue
            stop = data.find(b"\n", at) + 1
            self._line += data[at : stop or len(data)]
            at = stop or len(data)
            if len(self._line) > _LONGEST_LINE:
                return Refusal("framing", 400, "a long line between chunks")
            if not stop:
                break
            line = bytes(self._line)
            self._line.clear()
            if refusal := self._ended(line):
                return refusal
            if self.done:
                self.rest = data[at:]
                break
        return b"".join(pieces)

    def _ended(self, line: bytes) -> Refusal | None:
        if not line.endswith(b"\r\n") or b"\r" in line[:-2] or b"\0" in line:
            return Refusal("framing", 400, "a stray control character between chunks")
        line = line[:-2]
        if self._state == "close":
            self._state = "size"
            return Refusal("framing", 400, "a chunk longer than it said") if line else None
        if self._state == "size":
            found = _SIZE.fullmatch(line)
            if found is None:
                return Refusal("framing", 400, "no size of a chunk")
            self._left = int(found[1], 16)
            self._state = "data" if self._left else "trailer"
            return None
        self._trailer += len(line)
        if self._trailer > _MOST_TRAILER:
            return Refusal("framing", 400, "a long trailer")
        self.done = not line
        return None
