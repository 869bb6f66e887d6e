"""A process that has requests to models charged over a tree of runs until it is killed, and says what was settled.

    python -m tests.adapters.metering_child DIRECTORY

Prints a line for each request whose end is in the journal: `NAME USED`, in micro-units; `NAME -` for one that was refused.
"""

import asyncio
import random
import sys
from pathlib import Path

from tests.core.model_caps_kit import an_agent, caps, chain_of, plan_for, rules_for, tree

from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.ledger.model_caps import model_charges, settled_at
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelUse
from ringfence.core.records.unit import Conflict, Reserve, Settle, Unit
from ringfence.ports.store import Store
from ringfence.testing.contracts.samples import TOOL, an_entry, opening

WIDTH, DEPTH = 20, 5
LINES = tree(WIDTH, DEPTH)
CAP = 1_000_003
"""Micro-units of the whole tree. No number of requests comes to it exactly."""
RULES = rules_for(an_agent(caps((MeterKind.SPEND, CAP), (MeterKind.MODEL_CALLS, 100_000), streams=100_000)))
PLAN = plan_for(RULES)
ROOT = "spend:run/root:all"


async def request(store: Store, name: str, line: tuple[str, ...], most: int, used: int) -> int | None:
    """One request: what it used, once that is in the journal; None where it was refused."""
    at_most = ModelUse(micro=most, tokens_in=0, tokens_out=0)
    charges = tuple(model_charges(PLAN, chain_of(RULES, *line), at_most))
    chain = tuple((RunId(run), None) for run in line)
    reserve = Reserve(CallId(name), TOOL, chain, charges, 1, counts=False)
    receipt = await store.record(Unit((an_entry("allowed", call=name),), (reserve,)))
    if isinstance(receipt, Conflict):
        return None
    await receipt.journaled()
    for _ in range(random.randrange(4)):
        await asyncio.sleep(0)
    settle = Settle(CallId(name), 1, settled_at(charges, ModelUse(micro=used, tokens_in=0, tokens_out=0)))
    receipt = await store.record(Unit((an_entry("settled", call=name),), (settle,)))
    assert not isinstance(receipt, Conflict)
    await receipt.journaled()
    return used


async def open_tree(store: Store) -> None:
    for line in LINES:
        receipt = await store.record(opening(line[0], ancestors=line[1:]))
        assert not isinstance(receipt, Conflict)


async def work(store: SqliteStore, worker: int) -> None:
    number = 0
    while True:
        number += 1
        name, most = f"{worker}-{number}", random.randrange(1, 5000)
        used = await request(store, name, random.choice(LINES), most, random.randrange(most + 1))
        print(f"{name} {'-' if used is None else used}", flush=True)
        await asyncio.sleep(0)


async def main() -> None:
    store = await open_store(Path(sys.argv[1]))
    await open_tree(store)
    await asyncio.gather(*(work(store, worker) for worker in range(40)))


if __name__ == "__main__":
    asyncio.run(main())
