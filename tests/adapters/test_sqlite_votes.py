"""A vote keeps the groups of its moment over a restart, and a gate its group."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ringfence.adapters.stores.sqlite.store import open_store
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import Gate, ReasonCode
from ringfence.core.records.unit import AddTicket, CastVote, Conflict, OpenRun, Unit
from ringfence.ports.store import Store
from ringfence.testing.contracts.samples import a_run, a_ticket, a_vote, an_entry


async def record(store: Store, *changes: OpenRun | AddTicket | CastVote) -> Conflict | None:
    receipt = await store.record(Unit((an_entry("x"),), changes))
    if isinstance(receipt, Conflict):
        return receipt
    await receipt.durable()
    return None


@pytest.mark.requirement("I14")
async def test_what_finance_has_approved_counts_after_a_restart(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    gates = (Gate(ReasonCode.COSTS_MONEY, 2), Gate(ReasonCode.POLICY, 1, "finance"))
    ticket = replace(a_ticket(), gates=gates)
    assert await record(store, OpenRun(a_run(), None), AddTicket(ticket)) is None
    assert await record(store, CastVote(ticket.id, replace(a_vote("ada"), groups=("finance", "ops")))) is None
    await store.close()
    store = await open_store(tmp_path)
    kept = await store.ticket(ticket.id)
    assert kept is not None
    assert kept.gates == gates
    assert kept.votes[0].groups == ("finance", "ops")
    assert kept.state is TicketState.PENDING
    assert await record(store, CastVote(ticket.id, a_vote("bo"))) is None
    closed = await store.ticket(ticket.id)
    assert closed is not None
    assert closed.state is TicketState.APPROVED
    await store.close()
