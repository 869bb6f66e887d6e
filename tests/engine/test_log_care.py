"""What happens to the log besides writing it: cosignatures, anchors, forwarding, retention. Nothing of it stops anything."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.audit.checkpoint import Checkpoint, checkpoint_text
from ringfence.core.audit.cosignature import cosigned_at
from ringfence.core.audit.note import parse_note, seal
from ringfence.core.audit.stem import has_body
from ringfence.core.audit.witnessing import Seen
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.ids import Ids
from ringfence.engine.log.care import LogCare, LogOutlets
from ringfence.engine.log.checkpointer import Checkpointer
from ringfence.ports.notifier import AlertKind
from ringfence.testing.contracts.store import accept, adding
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.fakes.log_outlets import FakeAnchor, FakeBookmarks, FakeForwarder, FakeWitness
from ringfence.testing.fakes.notifier import FakeNotifier
from ringfence.testing.fakes.signer import FakeSigner

SIGNER = FakeSigner()


class Kept:
    """A log with its care."""

    def __init__(self, outlets: LogOutlets, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.clock = FakeClock()
        self.notifier = FakeNotifier()
        alerts = Alerts(self.notifier, Ids(FakeEntropy()), self.clock)
        self.care = LogCare(outlets, log=self.store, store=self.store, clock=self.clock, alerts=alerts)
        self.checkpointer = Checkpointer(self.store, SIGNER, self.care.heads.announce, self.clock)

    async def sign(self) -> str:
        note = await self.checkpointer.checkpoint()
        assert note is not None
        return note

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        task = asyncio.ensure_future(self.care.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def until(holds: Callable[[], object]) -> None:
    """Let the loop turn until a condition holds."""
    for _ in range(10_000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to hold")


async def test_every_head_is_cosigned_and_the_cosignatures_are_kept_on_it() -> None:
    witnesses = [FakeWitness("one", SIGNER, 1), FakeWitness("two", SIGNER, 2)]
    kept = Kept(LogOutlets(witnesses=witnesses, quorum=2))
    async with kept.running():
        for entries in (3, 300, 1):
            await accept(kept.store, adding(*(str(n) for n in range(entries))))
            note = await kept.sign()
            await kept.care.heads.shown(note, 10)
            stored = await kept.store.checkpoint()
            assert stored is not None
            assert [cosigned_at(parse_note(stored), witness.key) for witness in witnesses] == [1_800_000_000] * 2
    status = kept.care.status()
    assert status["cosigned_size"] == 304
    assert status["witnesses"]["one"] == {"size": 304, "problem": ""}


async def test_a_witness_that_is_down_delays_nothing_and_catches_up() -> None:
    up, down = FakeWitness("up", SIGNER, 1), FakeWitness("down", SIGNER, 2)
    down.down = True
    kept = Kept(LogOutlets(witnesses=[up, down], quorum=2))
    async with kept.running():
        await accept(kept.store, adding("one"))
        await kept.care.heads.shown(await kept.sign(), 10)
        assert kept.care.status()["cosigned_size"] == 0
        assert kept.care.status()["witnesses"]["up"]["size"] == 1
        assert "does not answer" in kept.care.status()["witnesses"]["down"]["problem"]
        down.down = False
        await accept(kept.store, adding("two", "three"))
        await kept.care.heads.shown(await kept.sign(), 10)
    assert kept.care.status()["cosigned_size"] == 3
    assert kept.notifier.alerts == []


async def test_after_a_restart_the_witness_says_how_far_it_had_come() -> None:
    witness = FakeWitness("one", SIGNER)
    first = Kept(LogOutlets(witnesses=[witness], quorum=1))
    async with first.running():
        await accept(first.store, adding("one", "two"))
        await first.care.heads.shown(await first.sign(), 10)
    again = Kept(LogOutlets(witnesses=[witness], quorum=1), first.store)
    async with again.running():
        await accept(again.store, adding("three"))
        await again.care.heads.shown(await again.sign(), 10)
    assert witness.seen.size == 3
    assert again.care.status()["cosigned_size"] == 3


@pytest.mark.requirement("I12")
@pytest.mark.parametrize(
    ("before", "said"),
    [
        (Seen(9, bytes(32)), "put back"),
        (Seen(2, bytes(32)), "another tree"),
        (Seen(1, bytes(32)), "INCONSISTENT"),
    ],
    ids=["rolled back", "forked at this size", "forked before"],
)
async def test_a_witness_that_has_seen_another_history_is_an_alarm_told_once(before: Seen, said: str) -> None:
    witness = FakeWitness("one", SIGNER)
    witness.seen = before
    kept = Kept(LogOutlets(witnesses=[witness], quorum=1))
    await accept(kept.store, adding("one", "two"))
    async with kept.running():
        note = await kept.sign()
        await kept.care.heads.shown(note, 10)
        await kept.care.heads.witnessing.show(note)
    (alert,) = kept.notifier.of(AlertKind.LOG_DISPUTED)
    assert said in alert.text
    assert said in kept.care.status()["witnesses"]["one"]["problem"]


async def test_an_anchor_that_fails_gets_the_newest_head_once_it_works() -> None:
    good, bad = FakeAnchor("good"), FakeAnchor("bad")
    bad.down = True
    kept = Kept(LogOutlets(anchors=[good, bad]))
    async with kept.running():
        await accept(kept.store, adding("one"))
        first = await kept.sign()
        await until(lambda: good.kept and kept.care.heads.anchors["bad"].problem)
        await accept(kept.store, adding("two"))
        second = await kept.sign()
        await until(lambda: len(good.kept) == 2)
        bad.down = False
        await kept.clock.until_sleeping()
        kept.clock.advance(10_000)
        await until(lambda: bad.kept)
    assert good.kept == [first, second]
    assert bad.kept == [second]
    assert kept.care.status()["anchors"]["bad"] == {"size": 2, "problem": ""}


async def test_the_last_head_is_handed_over_at_the_end_without_a_loop() -> None:
    anchor, witness = FakeAnchor(), FakeWitness("one", SIGNER)
    kept = Kept(LogOutlets(anchors=[anchor], witnesses=[witness], quorum=1))
    await accept(kept.store, adding("one"))
    note = await kept.sign()
    await kept.care.close()
    assert anchor.kept == [note]
    assert witness.seen.size == 1


async def test_entries_are_forwarded_in_order_once_and_from_where_it_stopped() -> None:
    siem, bookmarks = FakeForwarder(), FakeBookmarks()
    kept = Kept(LogOutlets(forwarders=[siem], bookmarks=bookmarks))
    await accept(kept.store, adding(*(str(n) for n in range(250))))
    async with kept.running():
        await until(lambda: len(siem.sent) == 250)
        await kept.clock.until_sleeping()
    again = Kept(LogOutlets(forwarders=[siem], bookmarks=bookmarks), kept.store)
    await accept(again.store, adding("more"))
    async with again.running():
        await until(lambda: len(siem.sent) == 251)
    assert siem.sent == list(range(251))
    assert bookmarks.kept == {"siem": 251}


async def test_a_receiver_that_fails_loses_nothing_and_the_pauses_grow() -> None:
    siem = FakeForwarder()
    siem.down = True
    kept = Kept(LogOutlets(forwarders=[siem], bookmarks=FakeBookmarks()))
    await accept(kept.store, adding("one", "two"))
    async with kept.running():
        for pause in (1, 2, 4):
            await kept.clock.until_sleeping()
            assert "down" in kept.care.status()["forward"]["siem"]["problem"]
            kept.clock.advance(pause * 1000 - 1)
            await asyncio.sleep(0)
            assert siem.sent == []
            kept.clock.advance(1)
            await asyncio.sleep(0)
        siem.down = False
        await kept.clock.until_sleeping()
        kept.clock.advance(8000)
        await until(lambda: siem.sent == [0, 1])
    assert kept.care.status()["forward"]["siem"] == {"position": 2, "problem": ""}


async def test_a_log_shorter_than_what_was_forwarded_is_said() -> None:
    bookmarks = FakeBookmarks()
    bookmarks.kept["siem"] = 5
    kept = Kept(LogOutlets(forwarders=[FakeForwarder()], bookmarks=bookmarks))
    await accept(kept.store, adding("one"))
    async with kept.running():
        await kept.clock.until_sleeping()
        assert "older state was put back" in kept.care.status()["forward"]["siem"]["problem"]


@pytest.mark.requirement("I12")
async def test_bodies_are_dropped_after_their_time_and_the_log_says_so() -> None:
    day = 86_400_000
    kept = Kept(LogOutlets(keep_bodies_ms=day))
    await accept(kept.store, adding(*(str(n) for n in range(600))))
    async with kept.running():
        await kept.clock.until_sleeping()
    leaves = [record.leaf async for record in kept.store.leaves(0, 999)]
    assert not any(has_body(leaf) for leaf in leaves[:600])  # they are of the year 1970
    assert b"dropped the bodies of 600 entries that were older than 1 days" in leaves[600]
    assert len(leaves) == 601


async def test_nothing_is_dropped_where_nobody_asked_for_it() -> None:
    kept = Kept(LogOutlets())
    await accept(kept.store, adding("one"))
    assert await kept.care.retention.drop() == 0
    assert kept.care.status() == {}


async def test_a_head_of_somebody_else_is_not_waited_for_for_ever() -> None:
    witness = FakeWitness("one", SIGNER)
    kept = Kept(LogOutlets(witnesses=[witness], quorum=1))
    text = checkpoint_text(Checkpoint(SIGNER.name, 7, bytes(32)))
    await kept.care.heads.shown(seal(text, SIGNER.name, SIGNER.public_key, SIGNER.sign(text.encode())), 0.0)
    assert witness.asked == 0


async def test_a_fault_of_one_outlet_takes_neither_the_others_nor_the_gateway_along() -> None:
    class Faulty(FakeAnchor):
        async def keep(self, note: str, checkpoint: Checkpoint) -> None:
            raise RuntimeError("a bug")

    good, siem = FakeAnchor("good"), FakeForwarder()
    kept = Kept(LogOutlets(anchors=[Faulty("faulty"), good], forwarders=[siem], bookmarks=FakeBookmarks()))
    async with kept.running():
        await accept(kept.store, adding("one"))
        await kept.sign()
        await until(lambda: kept.care.status().get("broken") and good.kept and siem.sent)
        await accept(kept.store, adding("two"))
        await kept.sign()
        await until(lambda: len(good.kept) == 2)
    assert kept.care.status()["broken"] == {"faulty": "ended by itself: RuntimeError"}
