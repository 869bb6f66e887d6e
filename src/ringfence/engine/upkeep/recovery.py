"""What a start has to put right: calls that were under way when the last process ended, and time that went back."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

from ringfence.core.model.identifiers import CallId, ToolId
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import CloseRun, Conflict, Settle, Unit
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditLog, AuditQuery
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

logger = logging.getLogger(__name__)

_SKEW_MS: Final = 2000
"""A clock may be put right by so much without anybody minding."""


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


async def distrust_time(store: Store, log: AuditLog, clock: Clock) -> int:
    """End every run that has a limited life where the log is ahead of the clock: nobody knows how much time has passed.

    Answers how many ended.
    Within one boot of the machine the clock itself knows better; this is for a clock that was wrong at its start.
    """
    newest = await log.query(AuditQuery(limit=1))
    if not newest or parse_strict(newest[0].leaf)["at"] <= clock.now() + _SKEW_MS:
        return 0
    logger.error("the log is ahead of the clock: every run that has a limited life ends")
    ended = [run for run in await store.runs() if run.expires_at is not None]
    for run in ended:
        why = "the clock was set back while the gateway did not run"
        entry = Entry(
            kind=EntryKind.RUN,
            at=clock.now(),
            summary=f"run closed: {why}",
            run=run.id,
            agent=run.agent,
            by="gateway",
            body={"why": why},
        )
        receipt = await store.record(Unit((entry,), (CloseRun(run.id, entry.at),)))
        if isinstance(receipt, Conflict):
            raise UnavailableError(receipt.detail)
        if run is ended[-1]:
            await receipt.durable()
    return len(ended)
