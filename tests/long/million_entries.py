"""A log of a million entries: how long a query by agent and hour takes, a proof, an export, a verification, and what memory.

    python -m tests.long.million_entries [--entries N] [--keep DIR]

Ends with one line, `RESULT ` and a JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ringfence.adapters.stores.sqlite.raw import raw_log
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.adapters.system.entropy import fresh_salt
from ringfence.core.audit.proof import verify_consistency, verify_inclusion
from ringfence.core.audit.stem import entry_hash
from ringfence.core.audit.tree import root_hash
from ringfence.core.audit.verify import verify_log
from ringfence.core.model.identifiers import AgentId, CallId, RunId, ToolId
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.engine.log.proofs import LogProofs
from ringfence.ports.audit import AuditQuery

HOUR_MS = 3_600_000
START = 1_800_000_000_000
AGENTS = 40
DAYS = 30
BATCH = 400


def entries(count: int) -> Iterator[Entry]:
    """Thirty days of forty agents, busy in turns, two entries a call."""
    step = DAYS * 24 * HOUR_MS / count
    for n in range(count):
        agent = f"agent-{n // 7 % AGENTS}"
        yield Entry(
            kind=EntryKind.OUTCOME if n % 2 else EntryKind.DECISION,
            at=int(START + n * step),
            summary=f"{agent} called orders.get",
            run=RunId(f"r_{n // 200}"),
            agent=AgentId(agent),
            tool=ToolId(f"orders.t{n % 17}"),
            call=CallId(f"c_{n // 2}"),
            decision="returned" if n % 2 else "allow" if n % 50 else "deny",
            by=f"agent:{agent}",
            body={"arguments": {"order": f"A{n}"}, "digest": f"{n:064x}", "profile": {"effect": "read"}, "reasons": []},
        )


async def fill(store: SqliteStore, count: int) -> None:
    batch: list[Entry] = []
    for entry in entries(count):
        batch.append(entry)
        if len(batch) == BATCH:
            await _record(store, batch)
            batch = []
    if batch:
        await _record(store, batch)


async def _record(store: SqliteStore, batch: list[Entry]) -> None:
    receipt = await store.record(Unit(tuple(batch)))
    assert not isinstance(receipt, Conflict)
    await receipt.journaled()


async def timed(work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = await work()
    return (time.perf_counter() - started) * 1000, answer


async def queries(store: SqliteStore) -> dict[str, float]:
    """The slowest of each kind, in milliseconds."""
    found: dict[str, list[float]] = {}

    async def ask(name: str, query: AuditQuery, least: int) -> None:
        took, answer = await timed(lambda: store.query(query))
        assert len(answer) >= least, (name, query)
        found.setdefault(name, []).append(took)

    for hour in (0, 1, 200, 400, DAYS * 24 - 1):
        window = AuditQuery(since=START + hour * HOUR_MS, until=START + (hour + 1) * HOUR_MS)
        await ask("agent_and_hour_ms", replace(window, agent="agent-8"), 1)
        await ask("agent_and_hour_ms", replace(window, agent="agent-8", oldest_first=True), 1)
        await ask("hour_ms", window, 1)
        await ask("agent_decision_and_hour_ms", replace(window, agent="agent-8", decision="deny"), 0)
        await ask("nobody_and_hour_ms", replace(window, agent="nobody"), 0)
        await ask("tool_and_hour_ms", replace(window, tool="orders.t3"), 1)
    await ask("agent_ms", AuditQuery(agent="agent-8"), 100)
    await ask("agent_oldest_ms", AuditQuery(agent="agent-8", oldest_first=True), 100)
    await ask("run_ms", AuditQuery(run="r_17"), 100)
    await ask("call_ms", AuditQuery(call="c_4711"), 2)
    await ask("agent_and_month_ms", AuditQuery(agent="agent-8", since=START, until=START + 31 * 24 * HOUR_MS), 100)
    await ask("deny_of_agent_ms", AuditQuery(agent="agent-8", decision="deny"), 100)
    return {name: round(max(times), 2) for name, times in found.items()}


async def proofs(store: SqliteStore, count: int) -> dict[str, float]:
    made = LogProofs(store)
    root = root_hash((await store.head()).edge)
    inclusion: list[float] = []
    consistency: list[float] = []
    for index in (0, 1, count // 3, count // 2 + 1, count - 1):
        took, path = await timed(lambda index=index: made.inclusion(index, count))
        inclusion.append(took)
        record = await store.record_at(index)
        assert record is not None
        assert verify_inclusion(index, count, entry_hash(record.leaf), path, root)
        old = max(1, index)
        took, path = await timed(lambda old=old: made.consistency(old, count))
        consistency.append(took)
        assert verify_consistency(old, count, await made.root(old), root, path)
    return {"inclusion_ms": round(statistics.median(inclusion), 2), "consistency_ms": round(statistics.median(consistency), 2)}


def rss_mib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


async def measure(directory: Path, count: int) -> dict[str, Any]:
    store = await open_store(directory, salt=fresh_salt)
    missing = count - (await store.head()).size
    started = time.perf_counter()
    if missing:
        await fill(store, count)
    filled = time.perf_counter() - started
    await store.close()
    started = time.perf_counter()
    store = await open_store(directory, salt=fresh_salt)
    opened = time.perf_counter() - started
    result: dict[str, Any] = {"entries": count, "fill_s": round(filled, 1), "open_s": round(opened, 2)}
    result["rss_filled_mib"] = rss_mib()
    result |= await queries(store)
    result |= await proofs(store, count)
    result["rss_proved_mib"] = rss_mib()
    await store.close()
    started = time.perf_counter()
    leaves, _ = raw_log(directory)
    report = verify_log(leaves, None, bytes(32), "none")
    assert (report.size, report.findings) == (count, ())
    result["verify_s"] = round(time.perf_counter() - started, 1)
    result["file_mib"] = round((directory / "ringfence.db").stat().st_size / 1048576, 1)
    result["rss_mib"] = rss_mib()
    return result


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rf-million") as name:
        directory = asked.keep or Path(name)
        os.makedirs(directory, exist_ok=True)
        result = asyncio.run(measure(directory, asked.entries))
    print("RESULT " + json.dumps(result))
    return 0 if result["agent_and_hour_ms"] < 1000 else 1


if __name__ == "__main__":
    raise SystemExit(main())
