"""A12: streams cannot be resumed, so there is nothing of another client's to be had by asking."""

import pytest

from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.scenario import ORDERS
from ringfence.testing.world import World

pytestmark = pytest.mark.attack("A12")


async def test_a_stream_has_no_event_ids() -> None:
    world = await World.build()
    world.upstreams[ORDERS].progress["slow"] = tuple({"progress": n} for n in range(1, 4))
    agent = Agent(gateway(world), await world.open_run())
    exchange = agent.modern("tools/call", {"name": "orders__slow", "arguments": {"order": "A1"}, "_meta": {"progressToken": 7}})
    await exchange.until_chunks(1)
    world.upstreams[ORDERS].release()
    await exchange.done()
    assert exchange.events[-1]["result"]["isError"] is False
    assert not any(line.startswith((b"id:", b"retry:")) for line in exchange.body.split(b"\n"))


@pytest.mark.parametrize("event", ["0", "1", "../1", "e1"])
async def test_asking_for_the_rest_of_a_stream_yields_nothing(event: str) -> None:
    world = await World.build()
    app = gateway(world)
    theirs, mine = Agent(app, await world.open_run()), Agent(app, await world.open_run())
    for agent in (theirs, mine):
        await agent.initialize()
    assert b"A-secret" in (await theirs.legacy_call("orders__get", {"order": "A-secret"}).done()).body
    for session, statuses in ((theirs.session, {404}), (mine.session, {200}), ("unknown", {404})):
        mine.session = session
        stream = mine.stream(last_event_id=event)
        if 200 in statuses:
            await stream.until_chunks(1)
            stream.leave()
        await stream.done()
        assert stream.status in statuses
        assert b"secret" not in stream.body
        assert b"data:" not in stream.body or stream.status == 404
