"""The operating system's randomness."""

from __future__ import annotations

import os


class SystemEntropy:
    def token(self, nbytes: int) -> bytes:
        return os.urandom(nbytes)
