"""`GET /metrics`: counts and how the gateway stands, for a scraper that has an operator's credential."""

from __future__ import annotations

import asyncio
from collections import Counter

from ringfence.app.control.answer import Answer, Asked, Text
from ringfence.app.control.routes import Route
from ringfence.app.control.servers import server_views
from ringfence.app.control.services import ControlServices
from ringfence.core.ledger.moves import is_of_run
from ringfence.core.ledger.shortfall import is_in_micro
from ringfence.core.model.ticket import TicketState
from ringfence.core.telemetry.names import agent_name, tool_name
from ringfence.engine.people.budgets import Reading
from ringfence.engine.runs.runs import NotDone
from ringfence.errors import UnavailableError
from ringfence.ports.metrics import GatewayState, MeterState, ServerState


async def metrics(asked: Asked) -> Answer:
    """Written in a thread, since a large configuration makes thousands of lines."""
    services = asked.services
    state = await state_of(services)
    return Text(await asyncio.to_thread(services.scraping.metrics.render, state), services.scraping.metrics.content_type)


async def state_of(services: ControlServices) -> GatewayState:
    """As it is now. Where the store does not answer, what it knows is left out and `is_ready` says why."""
    views = server_views(services)
    servers = tuple(ServerState(server=v["id"], state=v["state"], restarts=v["restarts"], running=v["running"]) for v in views)
    started = services.status().get("started_at")
    bare = GatewayState(version=services.version, is_ready=False, started_at=started, servers=servers)
    if services.store.is_degraded():
        return bare
    try:
        return await _with_the_stores(services, bare)
    except UnavailableError:
        return bare


async def _with_the_stores(services: ControlServices, bare: GatewayState) -> GatewayState:
    rules, store = services.catalogue.rules, services.store
    pending = await services.approvals.shown(frozenset({TicketState.PENDING}))
    witnessed = services.log_care.status().get("cosigned_size")
    checkpointer = services.checkpointer
    return GatewayState(
        version=bare.version,
        is_ready=True,
        started_at=bare.started_at,
        servers=bare.servers,
        runs_open=Counter(agent_name(rules, run.agent) for run in await store.runs()),
        calls_under_way=Counter(tool_name(rules, hold.tool) for hold in (await store.holds()).values()),
        approvals_pending=Counter(agent_name(rules, ticket.agent) for ticket in pending),
        pending_since=min((ticket.created_at for ticket in pending), default=None),
        stops=Counter((stop.mode.value, stop.scope.kind.value) for stop in await services.stops.in_force()),
        meters=await _meters(services),
        log_size=(await services.log.head()).size,
        log_signed=checkpointer.signed_size if checkpointer.signed_size >= 0 else None,
        log_signed_at=checkpointer.signed_at,
        log_cosigned=witnessed if isinstance(witnessed, int) else None,
    )


async def _meters(services: ControlServices) -> tuple[MeterState, ...]:
    """Every meter that several runs share, once. Those of single runs would be a series for each run."""
    found: dict[str, Reading] = {}
    for agent in services.catalogue.rules.agents:
        readings = await services.budgets.of_agent(agent)
        if not isinstance(readings, NotDone):
            found |= {reading.meter: reading for reading in readings if not is_of_run(reading.meter)}
        await asyncio.sleep(0)  # Calls go first, however many agents there are.
    return tuple(_meter(found[name]) for name in sorted(found))


def _meter(reading: Reading) -> MeterState:
    kind, owner, what = (*reading.meter.split(":", 2), "", "")[:3]
    return MeterState(
        kind=kind,
        owner=owner,
        of=what.removesuffix(f"@{reading.window_s}s"),
        window_s=reading.window_s,
        used=reading.used,
        held=reading.held,
        cap=reading.cap,
        is_micro=is_in_micro(reading.meter),
    )


ROUTES = (
    Route(
        method="GET",
        path="/metrics",
        handler=metrics,
        summary="Counts and gauges for Prometheus.",
        answer="text/plain",
        bare=True,
        for_scraper=True,
    ),
)
