"""The operating system's randomness."""

from __future__ import annotations

import os


class SystemEntropy:
    def token(self, nbytes: int) -> bytes:
        return os.urandom(nbytes)


def fresh_salt() -> str:
    """128 bits in hexadecimal that nobody can guess, for the digest of an entry's body."""
    return os.urandom(16).hex()
