"""The state under load: `python -m tests.long.state_under_load --minutes 10`. Ends with one line `RESULT {...}`.

10,000 open runs, 1,000 of them at work, on the engine and the SQLite store in one process, every kind of meter configured. Runs
end and new ones are opened all the time; the clock goes two seconds on with each call, so that windows, expiries and retention
come around; at the end the store is opened again. Exit code 1 where an invariant broke or memory kept growing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.ledger.moves import used_of
from ringfence.core.model.agent import Limits
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.limits import MICRO, DistinctCap, Loops, Rate, RowCount, SumCap, ToolLimits, UseLimits
from ringfence.core.rules import Rules
from ringfence.engine.outcome import Refused
from ringfence.engine.runs.runs import Opened
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.scenario import READ, REFUND, SMALL_WRITE, shop_rules, tool_rule
from ringfence.testing.world import World

OPEN, ACTIVE = 10_000, 1_000
AT_WORK_AT_ONCE = 64
DAY = 86_400_000
CALLS, ROWS, SUM, TARGETS = 150, 60, 400, 200
TICK_MS = 2_000
"""How far the clock goes for each call."""
CHURN = 0.02
"""Of the calls, how many are followed by the end of a run and the beginning of another."""
GROWTH = 1.15
"""How much more memory the last quarter may need than the second one."""


def rules() -> Rules:
    """The shop with every kind of meter."""
    pay = replace(REFUND, reversible=True, costs_money=False)
    by_run = SumCap(pointer="/amount", cap=SUM * MICRO)
    by_day = SumCap(pointer="/amount", cap=10**9 * MICRO, window_ms=DAY)
    targets = DistinctCap(pointer="/order", most=TARGETS, window_ms=3_600_000)
    tools = (
        tool_rule("orders.get", READ, limits=ToolLimits(rows=RowCount(), distinct=(targets,), rate=Rate(10_000, 1000, 10_000))),
        tool_rule("orders.note", SMALL_WRITE, limits=ToolLimits(concurrent=AT_WORK_AT_ONCE)),
        tool_rule("payments.refund", pay, limits=ToolLimits(sums=(by_run, by_day))),
    )
    shop = shop_rules(tools=tools, limits=Limits(calls_per_run=CALLS, rows_per_run=ROWS, concurrent=AT_WORK_AT_ONCE))
    return replace(shop, limits=UseLimits(concurrent=AT_WORK_AT_ONCE), loops=Loops(20, 10_000))


@dataclass(slots=True)
class Figures:
    """What was seen."""

    calls: Counter[str] = field(default_factory=Counter[str])
    rss_mib: list[float] = field(default_factory=list[float])
    broken: list[str] = field(default_factory=list[str])
    opened: int = 0


class Load:
    """Agents that work, and a person who ends their runs."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.chance = random.Random(seed)
        self.figures = Figures()
        self.runs: list[Opened] = []

    async def open_one(self) -> Opened:
        parent = self.chance.choice(self.runs).run if self.runs and self.chance.random() < 0.2 else None
        if parent is not None and len(parent.ancestors) >= 3:
            parent = None
        opened = await self.world.runs.open(
            self.world.catalogue.rules.agents[next(iter(self.world.catalogue.rules.agents))].id,
            "work under load", by="operator:ada", trusted=True, parent=parent.id if parent else None, standing=True,
        )  # fmt: skip
        self.figures.opened += 1
        return opened if isinstance(opened, Opened) else await self.open_one()

    async def fill(self) -> None:
        while len(self.runs) < OPEN:
            self.runs += await asyncio.gather(*(self.open_one() for _ in range(min(200, OPEN - len(self.runs)))))

    async def work(self, until: float) -> None:
        while time.monotonic() < until:
            place = self.chance.randrange(ACTIVE)
            run = self.runs[place]
            name, arguments = self.call()
            outcome = await self.world.call(run, name, arguments)
            self.figures.calls[outcome.code.value if isinstance(outcome, Refused) else type(outcome).__name__] += 1
            self.clock.advance(TICK_MS)
            if self.chance.random() < CHURN:
                await self.renew(place)

    @property
    def clock(self) -> FakeClock:
        return self.world.clock

    def call(self) -> tuple[str, dict[str, Any]]:
        order = f"A{self.chance.randrange(220)}"
        match self.chance.randrange(4):
            case 0:
                return "payments__refund", {"order": order, "amount": self.chance.randrange(1, 30)}
            case 1:
                return "orders__note", {"order": order, "text": "seen"}
            case _:
                return "orders__get", {"order": order}

    async def renew(self, place: int) -> None:
        """One run ends, another begins in its place; what worked moves among those that rest."""
        gone = self.runs[place]
        await self.world.runs.close(gone.run.id, by="operator:ada", why="its work is done")
        self.world.alerts.caps.forget(gone.run.id)
        other = self.chance.randrange(ACTIVE, OPEN)
        self.runs[place], self.runs[other] = self.runs[other], await self.open_one()

    async def watch(self, until: float) -> None:
        """Housekeeping, and a look at the caps and at the memory."""
        while time.monotonic() < until:
            await asyncio.sleep(1)
            await self.world.housekeeping.prune()
            self.figures.rss_mib.append(resident_mib())
            await self.check(self.chance.sample(self.runs[:ACTIVE], 50))

    async def check(self, some: list[Opened]) -> None:
        now = self.clock.now()
        for opened in some:
            run = opened.run.id
            account = await self.world.store.account(run)
            if account.held < 0 or account.held + account.spent > CALLS + account.extra:
                self.figures.broken.append(f"calls of {run}: {account}")
            rows, total = await self.world.store.meters([f"rows:run/{run}:all", f"sum:run/{run}:payments.refund/amount"])
            # Rows are priced afterwards, one for each call: those under way may pass the cap.
            if rows is not None and used_of(rows, now) > ROWS + AT_WORK_AT_ONCE:
                self.figures.broken.append(f"rows of {run}: {used_of(rows, now)}")
            if total is not None and used_of(total, now) > SUM * MICRO:
                self.figures.broken.append(f"sum of {run}: {used_of(total, now)}")
        key = "distinct:agent/support:orders.get/order@3600s"
        (targets,) = await self.world.store.meters([key])
        if targets is not None and used_of(targets, now) > TARGETS:
            self.figures.broken.append(f"targets: {used_of(targets, now)}")


def resident_mib() -> float:
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def reopened(directory: Path, store: SqliteStore, runs: list[RunId]) -> list[str]:
    """The store is closed and opened again: it has to say the same."""
    before = [await store.account(run) for run in runs]
    await store.close()
    began = time.monotonic()
    again = await open_store(directory)
    seconds = time.monotonic() - began
    after = [await again.account(run) for run in runs]
    open_runs = len(await again.runs())
    await again.close()
    faults = [] if before == after else ["accounts differ after a restart"]
    print(f"opened again in {seconds:.1f} s with {open_runs} open runs", flush=True)
    return faults if open_runs >= OPEN else [*faults, f"only {open_runs} runs are open after a restart"]


async def run(minutes: float, seed: int, directory: Path) -> dict[str, Any]:
    store = await open_store(directory)
    world = await World.build(rules=rules(), store=(store, store))
    load = Load(world, seed)
    began = time.monotonic()
    empty = resident_mib()
    await load.fill()
    filled = resident_mib()
    print(f"{OPEN} runs opened in {time.monotonic() - began:.0f} s: {empty:.0f} -> {filled:.0f} MiB", flush=True)
    until = time.monotonic() + minutes * 60
    for upstream in world.upstreams.values():
        forget_executed(upstream.executed)
    workers = [load.work(until) for _ in range(AT_WORK_AT_ONCE)]
    await asyncio.gather(*workers, load.watch(until), forgetting(world, until))
    figures = load.figures
    if await store.holds():
        figures.broken.append("calls are held when nobody works")
    size = (await store.head()).size
    broken = figures.broken + await reopened(directory, store, [opened.run.id for opened in load.runs])
    quarter = max(1, len(figures.rss_mib) // 4)
    second, last = figures.rss_mib[quarter : 2 * quarter], figures.rss_mib[-quarter:]
    growth = (sum(last) / len(last)) / (sum(second) / len(second)) if second and last else 1.0
    return {
        "open_runs": OPEN,
        "active_runs": ACTIVE,
        "minutes": minutes,
        "calls": sum(figures.calls.values()),
        "outcomes": dict(figures.calls),
        "runs_opened": figures.opened,
        "entries": size,
        "rss_mib_filled": round(filled, 1),
        "rss_mib_most": round(max(figures.rss_mib, default=0), 1),
        "rss_growth": round(growth, 3),
        "broken": broken[:20],
        "seed": seed,
    }


def forget_executed(executed: list[Any]) -> None:
    executed.clear()


async def forgetting(world: World, until: float) -> None:
    """The fakes remember everything; that is not what is measured."""
    while time.monotonic() < until:
        await asyncio.sleep(0.5)
        world.notifier.alerts.clear()
        for upstream in world.upstreams.values():
            forget_executed(upstream.executed)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # a call of a run that has just ended is refused: that is part of the load
    with tempfile.TemporaryDirectory(prefix="rf-load-") as directory, contextlib.suppress(KeyboardInterrupt):
        result = asyncio.run(run(options.minutes, options.seed, Path(directory)))
        print(f"RESULT {json.dumps(result)}")
        sys.exit(1 if result["broken"] or result["rss_growth"] > GROWTH or result["rss_mib_most"] > 1024 else 0)


if __name__ == "__main__":
    main()
