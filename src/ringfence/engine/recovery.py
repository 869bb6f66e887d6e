"""What a start has to put right: calls that were under way when the last process ended."""

from __future__ import annotations

from collections.abc import Collection

from ringfence.core.entry import Entry, EntryKind
from ringfence.core.model.identifiers import CallId, ToolId
from ringfence.core.unit import Conflict, Settle, Unit
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store


async def recover(store: Store, clock: Clock, under_way: Collection[CallId] = ()) -> int:
    """Close every allowed call without an outcome as ambiguous: it may or may not have been sent (I2, I13).

    What it held stays spent. Those `under_way` in this process are left alone. Answers how many there were.
    """
    holds = [hold for hold in (await store.holds()).values() if hold.call not in under_way]
    for hold in holds:
        entry = Entry(
            kind=EntryKind.OUTCOME,
            at=clock.now(),
            summary=f"{hold.tool}: ambiguous, its outcome was not recorded",
            run=hold.runs[0],
            tool=ToolId(hold.tool),
            call=hold.call,
            decision="ambiguous",
            by="gateway",
            body={"why": "its outcome could not be recorded: the gateway ended, or nothing could be written"},
        )
        receipt = await store.record(Unit((entry,), (Settle(hold.call, entry.at),)))
        if isinstance(receipt, Conflict):
            raise UnavailableError(receipt.detail)
        if hold is holds[-1]:
            await receipt.durable()
    return len(holds)
