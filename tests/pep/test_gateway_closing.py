"""What a gateway that stops does about clients that are being asked: nobody waits for an answer that cannot come."""

import pytest

from ringfence.ports.upstream import Declined, ServerRequest
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.library import DOCS, EVERYTHING, library_rules, library_upstreams
from ringfence.testing.world import World

NAME = ServerRequest("elicitation/create", {"message": "Your name?", "requestedSchema": {"type": "object", "properties": {}}})
ADA = {"action": "accept", "content": {}}


async def asking(*, rounds: int = 1) -> tuple[World, FakeUpstream, Agent]:
    world = await World.build(rules=library_rules(grants=EVERYTHING), upstreams=library_upstreams())
    docs = world.upstreams[DOCS]
    docs.asks["search"] = ({"who": NAME},) * rounds
    agent = Agent(gateway(world), await world.open_run("writer"), path="/mcp/docs")
    agent.capabilities = {"elicitation": {}}
    return world, docs, agent


async def outcomes(world: World) -> list[str]:
    return [entry["decision"] for entry in await world.entries() if entry["kind"] == "outcome"]


@pytest.mark.requirement("I2")
async def test_calls_that_wait_for_a_modern_client_are_ended_and_recorded_before_the_gateway_has_closed() -> None:
    world, docs, agent = await asking()
    state = (await agent.modern_call("search", {"text": "x"}).done()).answer["result"]["requestState"]
    assert len(world.inflight.all()) == 1
    await agent.app.close()
    assert world.inflight.all() == ()
    assert len(docs.cancelled) == 1
    assert await outcomes(world) == ["ambiguous"]
    late = await agent.modern_call("search", {"text": "x"}, requestState=state, inputResponses={"who": ADA}).done()
    assert "result" not in late.answer
    assert len(docs.executed) == 1


async def test_a_gateway_that_has_closed_suspends_no_call() -> None:
    world, docs, agent = await asking()
    await agent.app.close()
    answer = (await agent.modern_call("search", {"text": "x"}).done()).answer
    assert answer["result"]["resultType"] == "complete"
    assert docs.answers == [{"who": Declined(-32603, "the gateway is stopping")}]
    assert await outcomes(world) == ["returned"]


async def test_a_question_on_a_legacy_stream_is_declined_and_the_call_goes_on() -> None:
    world, docs, agent = await asking()
    await agent.initialize()
    call = agent.legacy_call("search", {"text": "x"})
    await call.until_events(1)
    await agent.app.close()
    assert "result" in (await call.done()).answer
    assert docs.answers == [{"who": Declined(-32603, "the gateway is stopping")}]
    assert await outcomes(world) == ["returned"]
