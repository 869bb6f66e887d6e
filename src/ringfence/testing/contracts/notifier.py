"""What every notifier keeps. Subclass it in a test file and say how to make one, and what it has delivered."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ringfence.ports.notifier import Alert, AlertKind, Notifier


class Delivering(Protocol):
    """A notifier under test, and the ids that have come out at its other end."""

    @property
    def notifier(self) -> Notifier: ...

    async def delivered(self, count: int) -> list[str]:
        """The ids once there are so many, in order of arrival."""
        ...


def alert(number: int, kind: AlertKind = AlertKind.KILL) -> Alert:
    """An alert that differs from every other."""
    return Alert(
        id=f"a_{number}", kind=kind, at=1_800_000_000_000 + number, text=f"it happened {number}", path=f"/stops/{number}"
    )


class NotifierContract(ABC):
    """The promises of `ringfence.ports.notifier.Notifier`."""

    @abstractmethod
    def delivering(self) -> AbstractAsyncContextManager[Delivering]:
        """A notifier that can deliver."""

    async def test_what_is_told_is_delivered_in_order(self) -> None:
        async with self.delivering() as under_test:
            for number in range(5):
                under_test.notifier.notify(alert(number))
            assert await under_test.delivered(5) == [f"a_{number}" for number in range(5)]
            await under_test.notifier.close()

    async def test_every_kind_of_alert_can_be_told(self) -> None:
        async with self.delivering() as under_test:
            for number, kind in enumerate(AlertKind):
                under_test.notifier.notify(alert(number, kind))
            assert len(await under_test.delivered(len(AlertKind))) == len(AlertKind)
            await under_test.notifier.close()

    async def test_closing_delivers_what_waits(self) -> None:
        async with self.delivering() as under_test:
            for number in range(20):
                under_test.notifier.notify(alert(number))
            await under_test.notifier.close()
            assert sorted(await under_test.delivered(20)) == sorted(f"a_{number}" for number in range(20))

    async def test_after_closing_it_takes_alerts_without_a_word(self) -> None:
        async with self.delivering() as under_test:
            await under_test.notifier.close()
            under_test.notifier.notify(alert(1))
            await under_test.notifier.close()

    async def test_a_trial_is_delivered_at_once_and_says_so(self) -> None:
        async with self.delivering() as under_test:
            tried = await under_test.notifier.trial(alert(7, AlertKind.TEST))
            assert tried
            assert all(each.arrived and each.receiver for each in tried)
            assert await under_test.delivered(1) == ["a_7"]
            await under_test.notifier.close()
