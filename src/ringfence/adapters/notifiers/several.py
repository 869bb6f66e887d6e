"""Several notifiers as one: each is told what it asked for. They can be replaced while the gateway runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ringfence.ports.notifier import Alert, AlertKind, Notifier, Receiver, Tried

_ALL = frozenset(AlertKind) - {AlertKind.TEST}


@dataclass(frozen=True, slots=True)
class Told:
    """One notifier with the kinds of alert that it is told."""

    notifier: Notifier
    kinds: frozenset[AlertKind] = frozenset(AlertKind)
    hears_ends: bool = False
    """It is also told that what it was told of is over."""


class SeveralNotifiers:
    """Implements `ports.notifier.Notifier`."""

    def __init__(self, told: Sequence[Told]) -> None:
        self._told = tuple(told)
        self._closing: set[asyncio.Task[None]] = set()

    def replace(self, told: Sequence[Told]) -> None:
        """Tell others from now on. One that is not among them gives what it holds a last try; one that is keeps it."""
        kept = [each.notifier for each in told]
        gone = [each.notifier for each in self._told if not any(each.notifier is one for one in kept)]
        self._told = tuple(told)
        for notifier in gone:
            task = asyncio.ensure_future(notifier.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def notify(self, alert: Alert) -> None:
        for each in self._told:
            if alert.kind in each.kinds and (each.hears_ends or not alert.is_over):
                each.notifier.notify(alert)

    async def trial(self, alert: Alert) -> Sequence[Tried]:
        told = self._told
        answers = await asyncio.gather(*(each.notifier.trial(alert) for each in told))
        for each in told:
            if each.hears_ends:
                # Nobody is to be left with an open incident because somebody tried.
                each.notifier.notify(replace(alert, id=f"{alert.id}:over", about=alert.condition, is_over=True))
        return [tried for answer in answers for tried in answer]

    def receivers(self) -> Sequence[Receiver]:
        return [
            replace(one, kinds=() if each.kinds >= _ALL else tuple(kind for kind in AlertKind if kind in each.kinds))
            for each in self._told
            for one in each.notifier.receivers()
        ]

    async def close(self) -> None:
        await asyncio.gather(*(each.notifier.close() for each in self._told), *self._closing, return_exceptions=True)
