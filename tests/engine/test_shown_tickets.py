"""People are shown the tickets that a crash cannot take back, and no others."""

from __future__ import annotations

import pytest

from ringfence.core.model.ticket import TicketState
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.waiting.waiters import Waiters
from ringfence.testing.world import World

PENDING = frozenset({TicketState.PENDING})


@pytest.mark.requirement("I1")
async def test_a_ticket_on_its_way_to_the_disk_is_not_shown_yet() -> None:
    world = await World.build()
    ticket = await world.ask(await world.open_run())
    waiters = Waiters()
    approvals = Approvals(store=world.store, clock=world.clock, catalogue=world.catalogue, waiters=waiters)
    with waiters.writing(ticket.id):
        assert await approvals.shown(PENDING) == []
    assert [shown.id for shown in await approvals.shown(PENDING)] == [ticket.id]
