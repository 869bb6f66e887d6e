"""Spans sent to a collector over OTLP/HTTP, in batches.

- `tell` returns at once. What waits is bounded; when it is full the newest is dropped, and counted.
- 429, 502, 503, 504 and silence are tried again with growing pauses (OTLP specification, failures); any other answer but 2xx
  is final. Either way what is next is sent when it is its turn: no call ever waits for a collector.
- Which tasks are sampled follows from the gateway's own run ids, so no agent can choose not to be seen.
- What the address may hold is never logged; no proxy of the environment is asked (`adapters.web.client`).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from ringfence.adapters.telemetry.span import Span
from ringfence.adapters.telemetry.spans import SpanMaker
from ringfence.adapters.web.client import WebClient
from ringfence.core.telemetry.events import Decided, Ended, Event, RunEnded, Waited
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.secrets import LateValues

logger = logging.getLogger(__name__)

MOST_WAITING: Final = 8192
BATCH: Final = 256
GATHER_S: Final = 1.0
"""How long a span waits for others to be sent along."""
ATTEMPTS: Final = 6
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
ANSWER_S: Final = 10.0
LAST_TRY_S: Final = 3.0
LARGEST_ANSWER: Final = 64 * 1024
_AGAIN: Final = frozenset({429, 502, 503, 504})
_REFUSED: Final = frozenset({401, 403})
_ALL: Final = 1 << 64

Encode = Callable[[Sequence[Span], Mapping[str, str], str], bytes]
"""Spans, the resource's attributes and our version to the body of one request."""
Dropped = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpOptions:
    """One collector. `repr` shows neither address nor headers."""

    endpoint: str = field(repr=False)
    """Without `/v1/traces`."""
    headers: LateValues | None = field(default=None, repr=False)
    sample: float = 1.0
    resource: Mapping[str, str] = field(default_factory=dict[str, str])
    version: str = ""


class OtlpTraces:
    """Implements `ports.telemetry.Telemetry`. Use inside one running loop."""

    def __init__(self, options: OtlpOptions, encode: Encode, clock: Clock, dropped: Dropped = lambda _: None) -> None:
        self._options = options
        self._encode = encode
        self._clock = clock
        self._dropped = dropped
        self._url = f"{options.endpoint.rstrip('/')}/v1/traces"
        self._host = urlsplit(options.endpoint).hostname or "collector"
        self._client = WebClient(f"collector {self._host}", ANSWER_S)
        self._maker = SpanMaker()
        self._least = int((1 - options.sample) * _ALL)
        self._waiting: deque[Span] = deque()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self._is_down = False

    def tell(self, event: Event) -> None:
        if self._closed or not self._is_sampled(event):
            return
        span = self._maker.span_of(event)
        if span is None:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._dropped(1)
            return
        self._waiting.append(span)
        self._arrived.set()
        if len(self._waiting) >= BATCH:
            self._full.set()
        if self._worker is None:
            self._worker = asyncio.ensure_future(self._work())

    async def close(self) -> None:
        self._closed = True
        self._closing.set()
        self._full.set()
        self._arrived.set()
        if self._worker is None:
            return
        _, late = await asyncio.wait([self._worker], timeout=LAST_TRY_S)
        for worker in late:
            worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        if self._waiting:
            self._dropped(len(self._waiting))
            logger.warning("%d spans were not taken by %s before the end", len(self._waiting), self._host)

    def _is_sampled(self, event: Event) -> bool:
        match event:
            case Decided(root=root) | Waited(root=root) | RunEnded(root=root):
                pass
            case Ended(decided=decided) if decided is not None:
                root = decided.root
            case _:
                return True
        return self._least == 0 or int.from_bytes(hashlib.sha256(f"sample {root}".encode()).digest()[:8]) >= self._least

    async def _work(self) -> None:
        try:
            while True:
                while not self._waiting:
                    if self._closed:
                        return
                    self._arrived.clear()
                    await self._arrived.wait()
                if len(self._waiting) < BATCH:
                    await self._rest(GATHER_S, self._full)
                if not self._closed:
                    self._full.clear()
                await self._send([self._waiting[place] for place in range(min(BATCH, len(self._waiting)))])
        finally:
            await self._client.close()

    async def _send(self, batch: list[Span]) -> None:
        """They stay in line while they are sent, so that what is bounded is everything that is kept."""
        body = await asyncio.to_thread(self._encode, batch, self._options.resource, self._options.version)
        pause, taken = FIRST_PAUSE_S, None
        for attempt in range(1, ATTEMPTS + 1):
            taken = await self._try(body)
            if taken is not None or self._closed or attempt == ATTEMPTS:
                break
            await self._rest(pause, self._closing)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        for _ in batch:
            self._waiting.popleft()
        if not taken:
            self._dropped(len(batch))

    async def _try(self, body: bytes) -> bool | None:
        """Whether they were taken; None: not now."""
        headers = {"content-type": "application/x-protobuf"}
        try:
            if self._options.headers is not None:
                headers = {**await self._options.headers.read(), **headers}
            answer = await self._client.post(self._url, headers, body, most=LARGEST_ANSWER, cut=True)
        except UnavailableError as error:
            self._say(f"does not take traces: {error}")
            return None
        if 200 <= answer.status < 300:
            if self._is_down:
                logger.info("%s takes traces again", self._host)
            self._is_down = False
            return True
        self._say(f"answers {answer.status} to traces")
        if answer.status in _REFUSED and self._options.headers is not None:
            self._options.headers.doubt()
        return None if answer.status in _AGAIN else False

    def _say(self, what: str) -> None:
        """Once for each time that it goes down: a collector that is gone is no news with every batch."""
        if not self._is_down:
            logger.warning("%s %s; calls go on, spans wait or are dropped", self._host, what)
        self._is_down = True

    async def _rest(self, seconds: float, until: asyncio.Event) -> None:
        """A pause that an event ends."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(until.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
