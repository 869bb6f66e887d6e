"""The memory that a server's answers take."""

from collections.abc import Callable

from ringfence.errors import RequestError

MayKeep = Callable[[int], bool]
"""Whether so many bytes more may be kept; they then count until whoever asked has let go of the answer."""
LIGHT = 16_384
"""Of shorter texts the size is near enough."""
_CONTAINER, _STRING, _MEMBER = 64, 50, 8
"""Bytes that CPython adds, roughly."""
NO_ROOM = "there is no room for the server's answer, since too many large ones are under way"


def weight(data: bytes) -> int:
    """About how many bytes a JSON text and its value take together. A value can be twenty times as large as its text."""
    size = 2 * len(data)
    if len(data) <= LIGHT:
        return size
    containers, strings = data.count(b"[") + data.count(b"{"), data.count(b'"') // 2
    return size + _CONTAINER * containers + _STRING * strings + _MEMBER * data.count(b",")


class Reserved:
    """What one answer takes while it is read piece by piece, and when it is known whole."""

    def __init__(self, may_keep: MayKeep) -> None:
        self._may_keep = may_keep
        self._taken = 0

    def grow(self, size: int) -> None:
        """Raises RequestError where there is no room for so many bytes more; what was taken is given back then.

        So of many answers that do not all fit, some do, and the others do not stand in their way.
        """
        if not self._may_keep(size):
            self._may_keep(-self._taken)
            self._taken = 0
            raise RequestError(NO_ROOM)
        self._taken += size

    def settle(self, data: bytes) -> None:
        """The pieces are all there: make room for the value too. Raises RequestError where there is none."""
        if (more := weight(data) - self._taken) > 0:
            self.grow(more)


class Room:
    """A bound of its own, for what is no call."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> bool:
        self._left -= size
        return self._left >= 0
