"""What Cedar has answered already, for questions that are the same in all that any policy looks at.

Cedar is pure: the same policies, schema, entities and context give the same answer, so remembering one changes nothing but the
time that it takes. One of these belongs to one shard, which is thrown away when policies, pin or profile change.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

MOST: Final = 1024
"""Answers that one tool keeps. Beyond, the oldest goes."""
LONGEST: Final = 4096
"""Characters of a question that is worth keeping."""

Answer = TypeVar("Answer")


class Answers(Generic[Answer]):
    """Bounded in number and size."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[Hashable, Answer] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, question: Hashable) -> Answer | None:
        return self._kept.get(question)

    def keep(self, question: Hashable, answer: Answer, length: int) -> None:
        """Remember an answer. `length` is that of the question, in characters."""
        if length > LONGEST:
            return
        if len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[question] = answer
