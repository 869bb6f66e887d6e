"""Counting what each run has under way."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Gate(Generic[Key]):
    """At most so many at once for each key. Holds nothing for a key that has none."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: dict[Key, int] = {}

    def enter(self, key: Key) -> bool:
        """Whether there was room. Where there was, `leave` has to follow."""
        inside = self._inside.get(key, 0)
        if inside >= self._most:
            return False
        self._inside[key] = inside + 1
        return True

    def leave(self, key: Key) -> None:
        left = self._inside[key] - 1
        if left:
            self._inside[key] = left
        else:
            del self._inside[key]
