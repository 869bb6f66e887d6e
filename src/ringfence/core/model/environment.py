"""Labels of environments, such as `staging`: an agent that is bound to one reaches what has it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

ANY: Final = "any"
"""On something that belongs to every environment."""


def is_within(bound: str, labels: Iterable[str]) -> bool:
    """Whether something with these labels is there for an agent that is bound so. What has no label is in no environment."""
    return not bound or all(label in (bound, ANY) for label in labels)


def shown(labels: Iterable[str]) -> str:
    """Labels as people read them."""
    return ", ".join(f"`{label}`" if label else "no label" for label in labels)
