"""Splitting a byte stream into lines, with a cap. Pure."""

from ringfence.errors import RequestError


class LineSplitter:
    """Feed chunks, get whole lines without their line feed. Holds at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes. Raises RequestError where a line is longer than the limit."""
        lines: list[bytes] = []
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._take(chunk[start:end])
            lines.append(bytes(self._rest))
            self._rest.clear()
            start = end + 1
        self._take(chunk[start:] if start else chunk)
        return lines

    def _take(self, part: bytes) -> None:
        if len(self._rest) + len(part) > self._limit:
            self._rest.clear()
            raise RequestError(f"a line is longer than {self._limit} bytes")
        self._rest += part
