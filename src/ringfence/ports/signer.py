"""Signing checkpoints."""

from typing import Protocol


class Signer(Protocol):
    """An Ed25519 key that never leaves its place."""

    @property
    def name(self) -> str:
        """The key name of signed notes (C2SP signed-note): no spaces, no plus signs."""
        ...

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes. Raises UnavailableError."""
        ...
