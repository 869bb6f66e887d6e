"""The hub between servers that announce and agents that listen."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.core.model.identifiers import ServerId
from ringfence.engine.catalogue.notices import Listener, News, Notices
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import NOTHING_DECLARED, Described, Notice, NoticeKind
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.library import DOCS, GUEST, WRITER, library_rules, library_upstream, library_upstreams
from ringfence.testing.world import World


class Counting(FakeUpstream):
    """Counts how often it is asked for its lists, and loses its listeners when told to."""

    def __init__(self) -> None:
        plain = library_upstream()
        super().__init__(plain.tools)
        self.described = plain.described
        self.asked = 0
        self.attempts = 0
        self.losing = False
        self.silent = False

    async def describe(self, declared: Mapping[str, Any] = NOTHING_DECLARED) -> Described:
        self.asked += not declared  # with what is granted declared, it is asked once more
        return await super().describe(declared)

    async def listen(
        self,
        uris: frozenset[str],
        on_notice: Callable[[Notice], None],
        on_listening: Callable[[], None] | None = None,
    ) -> None:
        self.attempts += 1
        if self.losing:
            raise UnavailableError("gone")
        if not self.silent:
            await super().listen(uris, on_notice, on_listening)


class Hub:
    """A world with a counting server and one listener."""

    def __init__(self, world: World, docs: Counting) -> None:
        self.world = world
        self.docs = docs
        self.notices = Notices(world.catalogue, world.clock)
        self.told: list[News] = []
        self.listener = Listener(WRITER, frozenset({DOCS}), self.told.append)

    @classmethod
    async def build(cls) -> "Hub":
        docs = Counting()
        world = await World.build(rules=library_rules(), upstreams=library_upstreams() | {DOCS: docs})
        docs.asked = 0
        return cls(world, docs)

    async def settle(self) -> None:
        """Let every task run until it waits for the clock, or for nothing."""
        for _ in range(50):
            await asyncio.sleep(0)


async def test_a_burst_of_notices_asks_the_server_at_most_once_a_second() -> None:
    hub = await Hub.build()
    hub.notices.add(hub.listener)
    await hub.docs.until_heard()
    for _ in range(100):
        hub.docs.announce(Notice(NoticeKind.TOOLS))
    await hub.settle()
    assert hub.docs.asked == 1
    for _ in range(100):
        hub.docs.announce(Notice(NoticeKind.PROMPTS))
    await hub.settle()
    assert hub.docs.asked == 1
    hub.world.clock.advance(1_000)
    await hub.settle()
    assert hub.docs.asked == 2
    assert [news.kind for news in hub.told] == [NoticeKind.TOOLS, NoticeKind.PROMPTS]
    await hub.notices.close()


async def test_a_lost_connection_is_taken_up_again_later_and_later() -> None:
    hub = await Hub.build()
    hub.docs.losing = True
    hub.notices.add(hub.listener)
    await hub.settle()
    attempts = [hub.docs.attempts]
    for milliseconds in (1_000, 1_000, 1_000, 4_000):
        hub.world.clock.advance(milliseconds)
        await hub.settle()
        attempts.append(hub.docs.attempts)
    assert attempts == [1, 2, 2, 3, 4]
    hub.docs.losing = False
    hub.world.clock.advance(8_000)
    await hub.docs.until_heard()
    await hub.notices.close()


async def test_what_changed_while_the_connection_was_lost_is_told_when_it_is_back() -> None:
    hub = await Hub.build()
    hub.docs.losing = True
    hub.notices.add(hub.listener)
    await hub.settle()
    hub.docs.losing = False
    hub.docs.described = replace(hub.docs.described, prompts=())
    hub.world.clock.advance(1_000)
    await hub.settle()
    assert hub.told == [News(NoticeKind.PROMPTS, DOCS)]
    await hub.notices.close()


async def test_a_server_that_offers_no_notices_is_asked_once() -> None:
    hub = await Hub.build()
    hub.docs.silent = True
    hub.notices.add(hub.listener)
    await hub.settle()
    hub.world.clock.advance(3_600_000)
    await hub.settle()
    assert hub.docs.attempts == 1
    await hub.notices.close()


async def test_nobody_listens_to_a_server_that_nobody_wants_to_hear() -> None:
    hub = await Hub.build()
    hub.notices.add(hub.listener)
    await hub.docs.until_heard()
    assert hub.world.upstreams[ServerId("wiki")].listeners == []
    hub.notices.remove(hub.listener)
    await hub.settle()
    assert hub.docs.listeners == []


async def test_a_listing_made_for_another_reason_is_news_as_well() -> None:
    hub = await Hub.build()
    hub.notices.add(hub.listener)
    hub.docs.described = replace(hub.docs.described, resources=())
    await hub.world.catalogue.refresh(DOCS)
    assert hub.told == [News(NoticeKind.RESOURCES, DOCS)]
    await hub.world.catalogue.refresh(DOCS)
    assert len(hub.told) == 1
    await hub.notices.close()


async def test_rules_that_give_less_are_news_to_those_who_lose_something() -> None:
    hub = await Hub.build()
    other: list[News] = []
    hub.notices.add(hub.listener)
    hub.notices.add(Listener(GUEST, frozenset({DOCS}), other.append))
    rules = library_rules()
    narrower = replace(rules.agents[WRITER], tools=("docs.search", "docs.resources/read"))
    rules = replace(rules, agents={**rules.agents, WRITER: narrower})
    hub.world.catalogue.replace(rules, hub.world.catalogue.upstreams)
    assert hub.told == [News(NoticeKind.PROMPTS, DOCS)]
    assert other == []
    await hub.notices.close()


async def test_a_replaced_server_is_listened_to_in_its_place() -> None:
    hub = await Hub.build()
    hub.notices.add(hub.listener)
    await hub.docs.until_heard()
    fresh = library_upstream()
    upstreams = {**hub.world.catalogue.upstreams, DOCS: fresh}
    hub.world.catalogue.replace(hub.world.catalogue.rules, upstreams)
    await fresh.until_heard()
    await hub.settle()
    assert hub.docs.listeners == []
    await hub.notices.close()
