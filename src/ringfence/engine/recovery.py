"""What a start has to put right: calls that were under way when the last process ended."""

from __future__ import annotations

from ringfence.core.entry import Entry, EntryKind
from ringfence.core.model.identifiers import ToolId
from ringfence.core.unit import Conflict, Settle, Unit
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store


async def recover(store: Store, clock: Clock) -> int:
    """Close every allowed call without an outcome as ambiguous: it may or may not have been sent (I2, I13).

    What it held stays spent. Answers how many there were.
    """
    holds = list((await store.holds()).values())
    for hold in holds:
        entry = Entry(
            kind=EntryKind.OUTCOME,
            at=clock.now(),
            summary=f"{hold.tool}: ambiguous after a restart",
            run=hold.runs[0],
            tool=ToolId(hold.tool),
            call=hold.call,
            decision="ambiguous",
            by="gateway",
            body={"why": "the gateway ended while this call was under way"},
        )
        receipt = await store.record(Unit((entry,), (Settle(hold.call),)))
        if isinstance(receipt, Conflict):
            raise UnavailableError(receipt.detail)
        if hold is holds[-1]:
            await receipt.durable()
    return len(holds)
