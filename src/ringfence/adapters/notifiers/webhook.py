"""Alerts posted to a receiver over HTTP: signed, retried with growing pauses, each id once.

- `notify` returns at once; what waits is bounded, and the oldest gives way to the newest.
- A receiver that answers 2xx has it. 408, 425, 429, 5xx and silence are tried again; any other answer, redirects included, is
  final: whoever answers elsewhere is not the receiver that was configured.
- The URL may itself be a credential: only its host is ever logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

from ringfence.adapters.notifiers.message import Format, message
from ringfence.adapters.web.client import WebClient
from ringfence.adapters.wire.webhook_signature import HEADER, signature
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.notifier import Alert
from ringfence.ports.secrets import LateSecret

logger = logging.getLogger(__name__)

MOST_WAITING = 1000
ATTEMPTS = 10
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
ANSWER_S = 10.0
LAST_TRY_S = 5.0
"""How long `close` tries to deliver what still waits."""
_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOptions:
    """One receiver. `repr` shows neither address nor secret."""

    url: str = field(repr=False)
    format: Format = Format.JSON
    secret: LateSecret | None = field(default=None, repr=False)
    public_url: str = ""
    """The control plane's address that links begin with, without a trailing slash."""


class _Result(Enum):
    DELIVERED = "delivered"
    AGAIN = "again"
    FINAL = "final"


class WebhookNotifier:
    """Implements `ports.notifier.Notifier`. Use inside one running loop."""

    def __init__(self, options: WebhookOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._host = urlsplit(options.url).hostname or "receiver"
        self._client = WebClient(self._host, ANSWER_S)
        self._waiting: deque[Alert] = deque()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._arrived = asyncio.Event()
        self._hurry = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    def notify(self, alert: Alert) -> None:
        if self._closed or alert.id in self._seen:
            return
        self._seen[alert.id] = None
        while len(self._seen) > 2 * MOST_WAITING:
            self._seen.popitem(last=False)
        if len(self._waiting) >= MOST_WAITING:
            dropped = self._waiting.popleft()
            logger.error("too many alerts wait for %s: %s was not delivered", self._host, dropped.id)
        self._waiting.append(alert)
        self._arrived.set()
        if self._worker is None:
            self._worker = asyncio.ensure_future(self._work())

    async def close(self) -> None:
        self._closed = True
        self._hurry.set()
        self._arrived.set()
        if self._worker is None:
            return
        # An attempt that is under way is left to end: cut off, it would have to be made again.
        _, late = await asyncio.wait([self._worker], timeout=LAST_TRY_S)
        for worker in late:
            worker.cancel()
            logger.error("%d alerts could not be delivered to %s before the end", len(self._waiting), self._host)
        await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        try:
            await self._deliver_all()
        finally:
            await self._client.close()

    async def _deliver_all(self) -> None:
        while True:
            while not self._waiting:
                if self._closed:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            alert = self._waiting[0]
            await self._deliver(alert)
            # Meanwhile the newest may have pushed it out.
            if self._waiting and self._waiting[0] is alert:
                self._waiting.popleft()

    async def _deliver(self, alert: Alert) -> None:
        pause = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            last = self._closed or attempt == ATTEMPTS
            if await self._try(alert) is not _Result.AGAIN:
                return
            if last:
                break
            await self._rest(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        logger.error("alert %s could not be delivered to %s: given up", alert.id, self._host)

    async def _rest(self, seconds: float) -> None:
        """A pause that `close` ends."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._hurry.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _try(self, alert: Alert) -> _Result:
        body = message(alert, self._options.format, self._options.public_url)
        headers = {"content-type": "application/json", "ringfence-id": _printable(alert.id)}
        if self._options.secret is not None:
            try:
                secret = (await self._options.secret()).reveal().encode()
            except UnavailableError as error:
                logger.error("alert %s waits for %s: %s", alert.id, self._host, error)
                return _Result.AGAIN
            headers[HEADER] = signature(secret, self._clock.now() // 1000, body)
        try:
            status = await self._client.tell(self._options.url, headers, body)
        except UnavailableError as error:
            logger.warning("alert %s was not delivered: %s", alert.id, error)
            return _Result.AGAIN
        if 200 <= status < 300:
            return _Result.DELIVERED
        if status in _AGAIN or status >= 500:
            logger.warning("alert %s: %s answered %d", alert.id, self._host, status)
            return _Result.AGAIN
        logger.error("alert %s was refused by %s with %d", alert.id, self._host, status)
        return _Result.FINAL


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isprintable())
