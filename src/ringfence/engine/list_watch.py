"""Listening to every server for changes of its lists, whoever else listens: a pin is compared as soon as a server speaks up.

A flood of notices causes one listing a second. What a server does not announce is found by the timer (`housekeeping`).
"""

from __future__ import annotations

import asyncio
import logging

from ringfence.core.model import ServerId
from ringfence.engine.catalogue import Catalogue
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.upstream import Notice, NoticeKind, Upstream

logger = logging.getLogger(__name__)

LISTING_GAP_S = 1.0
"""Between two listings that one server's notices cause."""
LOOK_S = 5.0
"""How often it is looked whether the configuration has other servers."""
FIRST_BACK_OFF_S = 1.0
LONGEST_BACK_OFF_S = 60.0


class ListWatch:
    """One listening connection to each configured server."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._lines: dict[ServerId, tuple[Upstream, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._tune()
                await self._clock.sleep(LOOK_S)
        finally:
            tasks = [task for _, task in self._lines.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _tune(self) -> None:
        """One line to each server of the configuration in force, and to no other."""
        upstreams = self._catalogue.upstreams
        for server, (upstream, task) in tuple(self._lines.items()):
            if upstreams.get(server) is not upstream:
                task.cancel()
                del self._lines[server]
        for server, upstream in upstreams.items():
            if server not in self._lines:
                self._lines[server] = (upstream, asyncio.create_task(self._watch(server, upstream)))

    async def _watch(self, server: ServerId, upstream: Upstream) -> None:
        heard = asyncio.Event()
        listing = asyncio.create_task(self._list_when(server, heard))
        try:
            await self._listen(server, upstream, heard)
        finally:
            listing.cancel()

    async def _listen(self, server: ServerId, upstream: Upstream, heard: asyncio.Event) -> None:
        back_off = FIRST_BACK_OFF_S

        def on_notice(notice: Notice) -> None:
            nonlocal back_off
            back_off = FIRST_BACK_OFF_S
            if notice.kind is not NoticeKind.UPDATED:
                heard.set()

        while True:
            try:
                await upstream.listen(frozenset(), on_notice)
                return  # it offers none
            except UnavailableError as error:
                logger.info("server %s is not listened to: %s; again in %g s", server, error, back_off)
            await self._clock.sleep(back_off)
            back_off = min(2 * back_off, LONGEST_BACK_OFF_S)
            heard.set()  # whatever was announced meanwhile

    async def _list_when(self, server: ServerId, heard: asyncio.Event) -> None:
        while True:
            await heard.wait()
            heard.clear()
            await self._catalogue.refresh(server)
            await self._clock.sleep(LISTING_GAP_S)
