"""Sessions of legacy clients: they correlate, they grant nothing."""

import pytest

from ringfence.adapters.pep.mcp_gateway.gate import Gate
from ringfence.adapters.pep.mcp_gateway.legacy import Sessions
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.core.model.identifiers import RunId
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.scenario import ORDERS
from ringfence.testing.world import World


def sessions(clock: FakeClock, *, total: int = 5, per_run: int = 2) -> Sessions:
    return Sessions(FakeEntropy(), clock, idle_s=60, total=total, per_run=per_run)


@pytest.mark.attack("A9")
def test_a_session_is_its_runs_own() -> None:
    kept = sessions(FakeClock())
    session = kept.open(RunId("a"))
    assert session is not None
    assert kept.find(session.id, RunId("a")) is session
    assert kept.find(session.id, RunId("b")) is None
    assert kept.find("nothing", RunId("a")) is None


@pytest.mark.requirement("I19")
def test_sessions_are_bounded_per_run_and_in_all() -> None:
    kept = sessions(FakeClock(), total=3)
    first = kept.open(RunId("a"))
    assert first is not None
    assert kept.open(RunId("a")) is not None
    assert kept.open(RunId("a")) is None
    assert kept.open(RunId("b")) is not None
    assert kept.open(RunId("c")) is None
    kept.close(first)
    kept.close(first)
    assert kept.open(RunId("c")) is not None
    assert len(kept) == 3


def test_an_idle_session_is_forgotten_and_a_used_one_is_not() -> None:
    clock = FakeClock()
    kept = sessions(clock)
    idle, used = kept.open(RunId("a")), kept.open(RunId("a"))
    assert idle is not None
    assert used is not None
    clock.advance(40_000)
    assert kept.find(used.id, RunId("a")) is used
    clock.advance(30_000)
    assert kept.find(idle.id, RunId("a")) is None
    assert kept.find(used.id, RunId("a")) is used
    assert kept.open(RunId("a")) is not None


def test_a_gate_forgets_whoever_has_left() -> None:
    gate: Gate[str] = Gate(1)
    assert gate.enter("a")
    assert not gate.enter("a")
    assert gate.enter("b")
    gate.leave("a")
    assert gate.enter("a")


@pytest.mark.requirement("I17")
@pytest.mark.attack("A9")
async def test_a_foreign_session_and_an_unknown_one_get_the_same_answer() -> None:
    world = await World.build()
    app = gateway(world)
    mine, theirs = Agent(app, await world.open_run()), Agent(app, await world.open_run())
    await mine.initialize()
    seen = []
    for session in (mine.session, "unknown"):
        theirs.session = session
        for exchange in (theirs.legacy("tools/list"), theirs.legacy("initialize", {})):
            await exchange.done()
            error = exchange.json["error"]
            seen.append((exchange.status, error["code"], error["message"]))
    assert set(seen) == {(404, -32600, "session not found")}


async def test_without_a_session_a_legacy_client_has_to_initialize() -> None:
    world = await World.build()
    agent = Agent(gateway(world), await world.open_run())
    for exchange in (agent.legacy("tools/list"), agent.legacy("notifications/initialized"), agent.legacy("nonsense")):
        assert (await exchange.done()).status == 400
    await agent.initialize()
    again = await agent.legacy("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}).done()
    assert again.status == 400


async def test_delete_ends_a_session_and_its_calls() -> None:
    world = await World.build()
    app = gateway(world)
    opened = await world.open_run()
    agent = Agent(app, opened)
    await agent.initialize()
    call = agent.legacy_call("orders__slow", {"order": "A1"})
    await world.upstreams[ORDERS].until_executed(1)

    async def delete() -> int:
        from ringfence.testing.asgi import start

        headers = agent.headers(mcp_session_id=agent.session, mcp_protocol_version="2025-11-25")
        return (await start(app, "DELETE", "/mcp", headers).done()).status

    assert await delete() == 204
    await call.done()
    assert len(world.upstreams[ORDERS].cancelled) == 1
    assert await delete() == 404
    assert (await agent.legacy("ping").done()).status == 404


@pytest.mark.requirement("I19")
async def test_too_many_sessions_are_refused_for_the_one_who_opens_them() -> None:
    world = await World.build()
    app = gateway(world, limits=GatewayLimits(sessions_per_run=1))
    mine, theirs = Agent(app, await world.open_run()), Agent(app, await world.open_run())
    assert (await mine.initialize()).status == 200
    assert (await mine.legacy("initialize", {}, mcp_session_id=None).done()).status == 400
    mine.session = None
    assert (await mine.initialize()).status == 503
    assert (await theirs.initialize()).status == 200


async def test_an_id_that_is_in_use_is_refused() -> None:
    world = await World.build()
    agent = Agent(gateway(world), await world.open_run())
    await agent.initialize()
    message = {
        "jsonrpc": "2.0",
        "id": "x",
        "method": "tools/call",
        "params": {"name": "orders__slow", "arguments": {"order": "A"}},
    }
    headers = agent.headers(mcp_session_id=agent.session)
    first = agent.post(message, headers)
    await world.upstreams[ORDERS].until_executed(1)
    assert (await agent.post(message, headers).done()).status == 400
    world.upstreams[ORDERS].release()
    assert (await first.done()).status == 200


async def test_a_modern_request_ignores_a_session_id() -> None:
    world = await World.build()
    agent = Agent(gateway(world), await world.open_run())
    exchange = await agent.modern("tools/list", mcp_session_id="whatever").done()
    assert exchange.status == 200
    assert exchange.header("mcp-session-id") is None
