"""Who may read `/metrics` besides operators, and what it reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ringfence.ports.metrics import Metrics


async def nobody(shown: str) -> bool:
    """No token was configured."""
    return False


@dataclass(frozen=True, slots=True)
class Scraping:
    """The numbers, and who else may have them."""

    metrics: Metrics
    admits: Callable[[str], Awaitable[bool]] = nobody
    """Whether what a request showed is the scraper's token. It opens `/metrics` and nothing else."""
