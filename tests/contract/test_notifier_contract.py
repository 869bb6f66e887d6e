"""Every notifier keeps the same promises."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tests.adapters.mail_server import Mailbox, mail_server
from tests.adapters.webhook_receiver import Receiver, receiving

from ringfence.adapters.notifiers.log import LogNotifier
from ringfence.adapters.notifiers.mail import MailOptions, Security, mail_notifier
from ringfence.adapters.notifiers.pagerduty import PagerDutyOptions, pagerduty_notifier
from ringfence.adapters.notifiers.several import SeveralNotifiers, Told
from ringfence.adapters.notifiers.webhook import WebhookOptions, webhook_notifier
from ringfence.ports.notifier import Notifier
from ringfence.testing.contracts.notifier import Delivering, NotifierContract
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.notifier import FakeNotifier
from ringfence.testing.fakes.secrets import known


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


class _ToPagerDuty:
    def __init__(self, notifier: Notifier, receiver: Receiver) -> None:
        self.notifier = notifier
        self._receiver = receiver

    async def delivered(self, count: int) -> list[str]:
        return [post.json["dedup_key"] for post in await self._receiver.until(count)]


class _ToMail:
    """Letters hold several alerts, and there are pauses between them."""

    def __init__(self, notifier: Notifier, mailbox: Mailbox, clock: FakeClock) -> None:
        self.notifier = notifier
        self._mailbox = mailbox
        self._clock = clock

    async def delivered(self, count: int) -> list[str]:
        while len(ids := self._ids()) < count:
            letters = len(self._mailbox.letters)
            sleeping = asyncio.ensure_future(self._clock.until_sleeping())
            arriving = asyncio.ensure_future(self._mailbox.until(letters + 1))
            await asyncio.wait((sleeping, arriving), return_when=asyncio.FIRST_COMPLETED)
            sleeping.cancel()
            arriving.cancel()
            self._clock.advance(60_000)
        return ids

    def _ids(self) -> list[str]:
        said = "\n".join(letter.text for letter in self._mailbox.letters)
        return [f"a_{number}" for number in re.findall(r": it happened ([0-9]+)$", said, re.MULTILINE)]


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
                yield _ToReceiver(webhook_notifier(WebhookOptions(url=receiver.url), FakeClock()), receiver)

        return made()


class TestPagerDutyNotifier(NotifierContract):
    def delivering(self) -> AbstractAsyncContextManager[Delivering]:
        @asynccontextmanager
        async def made() -> AsyncGenerator[Delivering]:
            async with receiving() as receiver:
                options = PagerDutyOptions(url=receiver.url, key=known("k" * 32))
                yield _ToPagerDuty(pagerduty_notifier(options, FakeClock()), receiver)

        return made()


class TestMailNotifier(NotifierContract):
    def delivering(self) -> AbstractAsyncContextManager[Delivering]:
        @asynccontextmanager
        async def made() -> AsyncGenerator[Delivering]:
            async with mail_server() as server:
                clock = FakeClock()
                options = MailOptions(
                    host="127.0.0.1",
                    port=server.port,
                    security=Security.NONE,
                    sender="ringfence@gate.example",
                    to=("ops@x.example",),
                )
                yield _ToMail(mail_notifier(options, clock), server.mailbox, clock)

        return made()
