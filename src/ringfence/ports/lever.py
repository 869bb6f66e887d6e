"""A kill lever outside the control plane."""

from typing import Protocol


class Lever(Protocol):
    def pulled(self) -> str | None:
        """Why everything is to be killed, or None."""
        ...
