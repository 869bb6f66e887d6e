"""A process whose files may not grow: a real "file too large" from the kernel, then room again.

    python -m tests.adapters.full_disk_child DIRECTORY

Prints one JSON object of what it saw.
"""

import asyncio
import json
import resource
import sys
from pathlib import Path

from ringfence.adapters.stores.sqlite.store import open_store
from ringfence.core.model.identifiers import RunId
from ringfence.core.records.unit import AddStop, Conflict, Unit
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditQuery
from ringfence.testing.contracts.samples import a_reach, a_stop, an_entry, opening, reserving
from ringfence.testing.contracts.store import accept


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def main() -> None:
    directory = Path(sys.argv[1])
    changes: asyncio.Queue[str] = asyncio.Queue()
    store = await open_store(directory, probe_s=0.01, on_change=changes.put_nowait)
    await (await accept(store, opening())).durable()
    limit_files(400_000)
    durable = 0
    why = ""
    while not why:
        try:
            receipt = await store.record(reserving(f"c{durable}", ("run-1", None)))
            assert not isinstance(receipt, Conflict)
            await receipt.durable()
            durable += 1
        except UnavailableError as error:
            why = str(error)
    stop = await store.record(Unit((an_entry("kill"),), (AddStop(a_stop()),)))
    assert not isinstance(stop, Conflict)
    await stop.durable()
    seen = {
        "durable": durable,
        "why": why,
        "degraded": store.is_degraded(),
        "stops_when_full": len(store.stops_on(a_reach())),
        "found_when_full": len(await store.query(AuditQuery(text="run opened"))),
        "held_when_full": (await store.account(RunId("run-1"))).held,
    }
    limit_files(resource.RLIM_INFINITY)
    while store.is_degraded():
        await changes.get()
    await (await accept(store, reserving("after", ("run-1", None)))).durable()
    seen["size"] = (await store.head()).size
    await store.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main())
