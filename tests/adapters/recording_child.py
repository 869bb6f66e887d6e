"""A process that records until it is killed, and says what was acknowledged.

    python -m tests.adapters.recording_child DIRECTORY

Prints `J SEQ` when a receipt was journaled and `D SEQ` when it was durable, one line each, flushed.
"""

import asyncio
import sys
from pathlib import Path

from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.model.identifiers import CallId
from ringfence.core.records.unit import AddStop, AddTicket, Conflict, Settle, Unit
from ringfence.testing.contracts.samples import a_stop, a_ticket, an_entry, opening, reserving


async def work(store: SqliteStore, worker: int) -> None:
    number = 0
    while True:
        number += 1
        name = f"{worker}-{number}"
        await say(store, reserving(name, ("run-1", None)), durable=number % 10 == 0)
        if number % 2:
            await say(store, Unit((an_entry("settled", call=name),), (Settle(CallId(name)),)), durable=False)
        if number % 50 == 0:
            await say(store, Unit((an_entry("asked"),), (AddTicket(a_ticket(name, digest=name)),)), durable=True)
            await say(store, Unit((an_entry("killed"),), (AddStop(a_stop(name)),)), durable=True)


async def say(store: SqliteStore, unit: Unit, *, durable: bool) -> None:
    receipt = await store.record(unit)
    assert not isinstance(receipt, Conflict)
    await receipt.journaled()
    print(f"J {receipt.first_seq}", flush=True)
    if durable:
        await receipt.durable()
        print(f"D {receipt.first_seq}", flush=True)


async def main() -> None:
    store = await open_store(Path(sys.argv[1]))
    await say(store, opening(), durable=True)
    await asyncio.gather(*(work(store, worker) for worker in range(4)))


if __name__ == "__main__":
    asyncio.run(main())
