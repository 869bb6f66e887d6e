"""Runs whose boxes ended with a gateway that was killed: nothing serves their listeners any more, so their runs end too.

A box lives no longer than the line to its gateway; the credential of its run is bound to that box and counts nowhere else.
"""

from __future__ import annotations

from ringfence.core.model.binding import BindingKind, kind_of
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.run import Run, RunState
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.engine.runs.runs import Runs
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

WHY = "the gateway ended, and its box with it"


async def end_lost(store: Store, clock: Clock, runs: Runs, *, before: Millis) -> int:
    """End every run that was opened before and that only a box may speak for. Answers how many. Raises UnavailableError."""
    lost = [run for run in await store.runs() if run.opened_at < before and await _is_a_boxs(store, run)]
    for run in lost:
        entry = Entry(
            kind=EntryKind.RUN,
            at=clock.now(),
            summary=f"box ended: {WHY}",
            run=run.id,
            agent=run.agent,
            by="gateway",
            body={"why": WHY},
        )
        receipt = await store.record(Unit((entry,)))
        if isinstance(receipt, Conflict):
            raise UnavailableError(receipt.detail)
        await receipt.durable()
        await runs.close(run.id, by="gateway", why=WHY)
    return len(lost)


async def _is_a_boxs(store: Store, run: Run) -> bool:
    if run.standing or run.state is not RunState.OPEN:
        return False
    kinds = {kind_of(credential.binding) for credential in await store.credentials(run.id) if not credential.revoked}
    return kinds == {BindingKind.BOX}
