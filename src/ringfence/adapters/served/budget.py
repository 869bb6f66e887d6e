"""The memory that request bodies, and answers of servers, may take: over all connections together and for each run."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Budget(Generic[Key]):
    """Bytes under way. Small ones are free, so that large ones of others never keep an ordinary call out."""

    def __init__(self, *, free: int, per_key: int, total: int) -> None:
        self._free = free
        self._per_key = per_key
        self._total = total
        self._taken = 0
        self._by_key: dict[Key, int] = {}

    def share(self, key: Key) -> Share[Key]:
        """What one request takes, to be given back when the request has ended."""
        return Share(self, key, self._free)

    def take(self, key: Key, size: int) -> bool:
        """Whether there was room."""
        own = self._by_key.get(key, 0) + size
        if own > self._per_key or self._taken + size > self._total:
            return False
        self._by_key[key] = own
        self._taken += size
        return True

    def give_back(self, key: Key, size: int) -> None:
        if not size:
            return
        self._taken -= size
        left = self._by_key[key] - size
        if left:
            self._by_key[key] = left
        else:
            del self._by_key[key]


class Share(Generic[Key]):
    """One request's part of a budget."""

    def __init__(self, budget: Budget[Key], key: Key, free: int) -> None:
        self._budget = budget
        self._key = key
        self._free = free
        self._taken = 0
        self._is_over = False

    def take(self, size: int) -> bool:
        """Whether so many bytes more may be kept. None may once all was given back; a negative number gives back a part."""
        if self._is_over:
            return False
        if size < 0:
            back = min(-size, self._taken)
            self._budget.give_back(self._key, back)
            self._taken -= back
            return True
        free = min(self._free, size)
        if size > free and not self._budget.take(self._key, size - free):
            return False
        self._free -= free
        self._taken += size - free
        return True

    def close(self) -> None:
        """The request has ended, so `contextlib.closing` gives all of it back."""
        self.give_back()

    def give_back(self) -> None:
        """All of it."""
        self._is_over = True
        self._budget.give_back(self._key, self._taken)
        self._taken = 0
