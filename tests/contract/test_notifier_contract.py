"""Every notifier keeps the same promises."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tests.adapters.webhook_receiver import Receiver, receiving

from ringfence.adapters.notifiers.log import LogNotifier
from ringfence.adapters.notifiers.several import SeveralNotifiers, Told
from ringfence.adapters.notifiers.switch import SwitchNotifier
from ringfence.adapters.notifiers.webhook import WebhookNotifier, WebhookOptions
from ringfence.ports.notifier import Notifier
from ringfence.testing.contracts.notifier import Delivering, NotifierContract
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.notifier import FakeNotifier


class _ToFake:
    """Anything that ends in a `FakeNotifier`."""

    def __init__(self, notifier: Notifier, end: FakeNotifier) -> None:
        self.notifier = notifier
        self._end = end

    async def delivered(self, count: int) -> list[str]:
        assert len(self._end.alerts) >= count
        return [alert.id for alert in self._end.alerts]


class _ToReceiver:
    def __init__(self, notifier: Notifier, receiver: Receiver) -> None:
        self.notifier = notifier
        self._receiver = receiver

    async def delivered(self, count: int) -> list[str]:
        return [post.json["id"] for post in await self._receiver.until(count)]


class _ToLog(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.notifier: Notifier = LogNotifier()
        self._ids: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._ids.append(record.getMessage().partition("happened ")[2].partition(" ")[0])

    async def delivered(self, count: int) -> list[str]:
        assert len(self._ids) >= count
        return [f"a_{number}" for number in self._ids]


class TestFakeNotifier(NotifierContract):
    def delivering(self) -> AbstractAsyncContextManager[Delivering]:
        @asynccontextmanager
        async def made() -> AsyncGenerator[Delivering]:
            fake = FakeNotifier()
            yield _ToFake(fake, fake)

        return made()


class TestSeveralNotifiers(NotifierContract):
    def delivering(self) -> AbstractAsyncContextManager[Delivering]:
        @asynccontextmanager
        async def made() -> AsyncGenerator[Delivering]:
            fake = FakeNotifier()
            yield _ToFake(SeveralNotifiers([Told(FakeNotifier(), frozenset()), Told(fake)]), fake)

        return made()


class TestSwitchNotifier(NotifierContract):
    def delivering(self) -> AbstractAsyncContextManager[Delivering]:
        @asynccontextmanager
        async def made() -> AsyncGenerator[Delivering]:
            fake = FakeNotifier()
            yield _ToFake(SwitchNotifier(fake), fake)

        return made()


class TestLogNotifier(NotifierContract):
    def delivering(self) -> AbstractAsyncContextManager[Delivering]:
        @asynccontextmanager
        async def made() -> AsyncGenerator[Delivering]:
            handler = _ToLog()
            logger = logging.getLogger("ringfence.alerts")
            logger.addHandler(handler)
            try:
                yield handler
            finally:
                logger.removeHandler(handler)

        return made()


class TestWebhookNotifier(NotifierContract):
    def delivering(self) -> AbstractAsyncContextManager[Delivering]:
        @asynccontextmanager
        async def made() -> AsyncGenerator[Delivering]:
            async with receiving() as receiver:
                yield _ToReceiver(WebhookNotifier(WebhookOptions(url=receiver.url), FakeClock()), receiver)

        return made()
