"""Contents that were packed though they were asked for as they are: unpacked, so that they can be looked into."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from ringfence.core.egress.response import Coding

_PIECE: Final = 256 * 1024
_GZIP: Final = 31
_ZLIB: Final = 15
_RAW: Final = -15


class Unpacking:
    """One content. Gives pieces of bounded size, whatever is packed into how little."""

    def __init__(self, coding: Coding) -> None:
        self._coding = coding
        self._inner = zlib.decompressobj(_GZIP if coding is Coding.GZIP else _ZLIB) if coding is not Coding.NONE else None
        self._began = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What these bytes unpack to. Raises zlib.error."""
        if self._inner is None:
            yield data
            return
        while data:
            try:
                piece = self._inner.decompress(data, _PIECE)
            except zlib.error:
                if self._began or self._coding is not Coding.DEFLATE:
                    raise
                self._inner = zlib.decompressobj(_RAW)  # many a server means RFC 1951 by `deflate`
                piece = self._inner.decompress(data, _PIECE)
            self._began = True
            if piece:
                yield piece
            data = self._inner.unconsumed_tail
            if self._inner.eof:
                data = self._inner.unused_data
                if self._coding is not Coding.GZIP:
                    return
                self._inner = zlib.decompressobj(_GZIP)
