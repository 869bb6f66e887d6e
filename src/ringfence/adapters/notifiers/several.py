"""Several notifiers as one: each is told what it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ringfence.ports.notifier import Alert, AlertKind, Notifier


@dataclass(frozen=True, slots=True)
class Told:
    """One notifier with the kinds of alert that it is told."""

    notifier: Notifier
    kinds: frozenset[AlertKind] = frozenset(AlertKind)


class SeveralNotifiers:
    """Implements `ports.notifier.Notifier`."""

    def __init__(self, told: Sequence[Told]) -> None:
        self._told = tuple(told)

    def notify(self, alert: Alert) -> None:
        for each in self._told:
            if alert.kind in each.kinds:
                each.notifier.notify(alert)

    async def close(self) -> None:
        await asyncio.gather(*(each.notifier.close() for each in self._told), return_exceptions=True)
