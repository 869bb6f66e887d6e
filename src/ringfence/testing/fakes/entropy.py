"""Bytes that look random and are the same in every run."""

import hashlib


class FakeEntropy:
    """Implements `ringfence.ports.entropy.Entropy` by hashing a counter: no two tokens of one instance are alike."""

    def __init__(self, seed: str = "test") -> None:
        self._seed = seed
        self.drawn = 0
        """How many were drawn so far."""

    def token(self, nbytes: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_256(f"{self._seed}:{self.drawn}".encode()).digest(nbytes)
