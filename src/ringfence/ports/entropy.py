"""Randomness."""

from typing import Protocol


class Entropy(Protocol):
    """Unpredictable bytes from the operating system."""

    def token(self, nbytes: int) -> bytes: ...
