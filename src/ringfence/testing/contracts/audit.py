"""What every `AuditLog` promises, read through the `Store` that writes it.

class TestMyLog(AuditContract):
    @pytest.fixture
    async def store(self): ...
    @pytest.fixture
    async def log(self, store): ...     # the log of that store
"""

from __future__ import annotations

import json
from typing import Any

from ringfence.core.audit.stem import entry_hash, has_body, stem_of
from ringfence.core.audit.tree import EMPTY_ROOT, merkle_root, root_hash
from ringfence.core.records.entry import EntryKind
from ringfence.core.records.unit import Unit
from ringfence.ports.audit import AuditLog, AuditQuery, Head
from ringfence.ports.store import Store
from ringfence.testing.contracts.samples import an_entry
from ringfence.testing.contracts.store import accept, adding, fails

WRITTEN = (
    an_entry("one", run="r1", agent="a1", tool="s.read", call="c1", decision="allow", at=10),
    an_entry("two", kind=EntryKind.OUTCOME, run="r1", agent="a1", tool="s.read", call="c1", decision="returned", at=11),
    an_entry("three", run="r2", agent="a2", tool="s.write", call="c2", decision="deny", at=20),
    an_entry('100% of IT_ALL: don\'t \\ "stop"', kind=EntryKind.CONTROL, at=30),
    an_entry("five", run="r2", agent="a1", tool="s.write", call="c3", decision="deny", at=30),
)

FILTERS: tuple[tuple[AuditQuery, list[int]], ...] = (
    (AuditQuery(), [4, 3, 2, 1, 0]),
    (AuditQuery(oldest_first=True), [0, 1, 2, 3, 4]),
    (AuditQuery(agent="a1"), [4, 1, 0]),
    (AuditQuery(run="r2"), [4, 2]),
    (AuditQuery(tool="s.write"), [4, 2]),
    (AuditQuery(call="c1"), [1, 0]),
    (AuditQuery(kind="decision"), [4, 2, 0]),
    (AuditQuery(decision="deny"), [4, 2]),
    (AuditQuery(since=11), [4, 3, 2, 1]),
    (AuditQuery(until=30), [2, 1, 0]),
    (AuditQuery(since=11, until=30), [2, 1]),
    (AuditQuery(agent="a1", run="r2", decision="deny"), [4]),
    (AuditQuery(agent="nobody"), []),
    (AuditQuery(text="THREE"), [2]),
    (AuditQuery(text="it_all"), [3]),
    (AuditQuery(text="0%"), [3]),
    (AuditQuery(text="don't"), [3]),
    (AuditQuery(text="i%"), []),
    (AuditQuery(text="\\\\"), [3]),
    (AuditQuery(text=""), [4, 3, 2, 1, 0]),
    (AuditQuery(text="s.write", agent="a2"), [2]),
    (AuditQuery(before=2), [1, 0]),
    (AuditQuery(before=2, oldest_first=True), [3, 4]),
    (AuditQuery(before=-1, oldest_first=True, limit=2), [0, 1]),
    (AuditQuery(limit=2), [4, 3]),
    (AuditQuery(limit=0), []),
    (AuditQuery(limit=10**9), [4, 3, 2, 1, 0]),
)


async def write(store: Store) -> None:
    for entry in WRITTEN:
        await accept(store, Unit((entry,)))


class AuditContract:
    """Tests of queries, the head and checkpoints."""

    async def test_each_filter_finds_what_it_says(self, store: Store, log: AuditLog) -> None:
        await write(store)
        for query, expected in FILTERS:
            assert [record.seq for record in await log.query(query)] == expected, query

    async def test_pages_join_into_the_whole(self, store: Store, log: AuditLog) -> None:
        await accept(store, adding(*(f"entry {n}" for n in range(2500))))
        for oldest_first in (False, True):
            seen: list[int] = []
            while page := await log.query(
                AuditQuery(limit=1001, before=seen[-1] if seen else None, oldest_first=oldest_first, text="ENTRY")
            ):
                assert len(page) <= 1000
                seen += [record.seq for record in page]
            assert sorted(seen) == list(range(2500))
            assert seen == sorted(seen, reverse=not oldest_first)

    async def test_a_record_is_the_canonical_leaf(self, store: Store, log: AuditLog) -> None:
        await write(store)
        for seq, entry in enumerate(WRITTEN):
            record = await log.record_at(seq)
            assert record is not None
            assert (record.seq, record.id, record.leaf) == (seq, f"e{seq}", entry.leaf(seq))
            leaf: dict[str, Any] = json.loads(record.leaf)
            assert leaf["seq"] == seq
        assert await log.record_at(len(WRITTEN)) is None
        assert await log.record_at(-1) is None
        assert await log.record_at(1 << 70) is None

    async def test_the_head_is_the_merkle_root_of_all_leaves(self, store: Store, log: AuditLog) -> None:
        assert await log.head() == Head(0, ())
        assert root_hash((await log.head()).edge) == EMPTY_ROOT
        for n in range(12):
            await accept(store, adding(*(f"{n}/{part}" for part in range(n))), adding("one"))
            head = await log.head()
            leaves = [record.leaf async for record in log.leaves(0, head.size)]
            assert len(leaves) == head.size
            assert root_hash(head.edge) == merkle_root(entry_hash(leaf) for leaf in leaves)

    async def test_what_was_accepted_is_durable_once_asked_for(self, store: Store, log: AuditLog) -> None:
        assert await log.durable_size() == 0
        await accept(store, adding("one", "two"))
        assert await log.durable_size() == 2

    async def test_leaves_come_in_order_within_their_bounds(self, store: Store, log: AuditLog) -> None:
        await accept(store, adding(*(str(n) for n in range(700))))
        assert [record.seq async for record in log.leaves(0, 700)] == list(range(700))
        assert [record.seq async for record in log.leaves(255, 513)] == list(range(255, 513))
        assert [record.seq async for record in log.leaves(690, 9999)] == list(range(690, 700))
        assert [record.seq async for record in log.leaves(5, 5)] == []
        assert [record.seq async for record in log.leaves(-3, 2)] == [0, 1]

    async def test_hashes_are_those_of_complete_subtrees(self, store: Store, log: AuditLog) -> None:
        await accept(store, adding(*(str(n) for n in range(600))))
        leaves = [entry_hash(record.leaf) async for record in log.leaves(0, 600)]
        assert await log.hashes(0, 0, 256) == leaves[:256]
        assert await log.hashes(0, 300, 20) == leaves[300:320]
        assert await log.hashes(0, 512, 88) == leaves[512:]
        assert await log.hashes(1, 0, 2) == [merkle_root(leaves[:256]), merkle_root(leaves[256:512])]
        assert await log.hashes(1, 1, 1) == [merkle_root(leaves[256:512])]
        for level, start, count in (
            (0, 599, 2),
            (0, 255, 2),
            (0, 0, 0),
            (0, -1, 1),
            (1, 2, 1),
            (2, 0, 1),
            (-1, 0, 1),
            (99, 0, 1),
        ):
            await fails(log.hashes(level, start, count))

    async def test_bodies_are_dropped_from_the_oldest_on_and_the_root_stays(self, store: Store, log: AuditLog) -> None:
        await write(store)
        before = await log.head()
        assert await log.drop_bodies(10, 100) == 0
        assert await log.drop_bodies(30, 2) == 2
        assert await log.drop_bodies(30, 100) == 1
        assert await log.drop_bodies(30, 100) == 0
        records = [record async for record in log.leaves(0, 9)]
        assert [has_body(record.leaf) for record in records] == [False, False, False, True, True]
        assert await log.head() == before
        assert root_hash(before.edge) == merkle_root(entry_hash(record.leaf) for record in records)
        assert [record.seq for record in await log.query(AuditQuery(agent="a1", run="r1"))] == [1, 0]
        assert [record.leaf for record in await log.query(AuditQuery(kind="outcome"))] == [stem_of(WRITTEN[1].leaf(1))]
        await accept(store, adding("next"))
        assert (await log.head()).size == 6

    async def test_the_newest_checkpoint_is_kept(self, store: Store, log: AuditLog) -> None:
        assert await log.checkpoint() is None
        await write(store)
        await log.put_checkpoint("two\n", 2)
        await log.put_checkpoint("five\n", 5)
        await log.put_checkpoint("five again\n", 5)
        assert await log.checkpoint() == "five again\n"

    async def test_a_checkpoint_beyond_the_log_is_turned_away(self, store: Store, log: AuditLog) -> None:
        await fails(log.put_checkpoint("one\n", 1))
        assert await log.checkpoint() is None

    async def test_a_closed_log_answers_nothing(self, store: Store, log: AuditLog) -> None:
        await store.close()
        await fails(log.query(AuditQuery()))
        await fails(log.record_at(0))
        await fails(log.head())
        await fails(log.durable_size())
        await fails(log.checkpoint())
        await fails(anext(log.leaves(0, 1)))
