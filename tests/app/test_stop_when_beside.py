"""`stop_when.untrusted` where what strangers may have written comes by a tool beside the gateway."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.app.model_shop import ModelShop, result, used

from ringfence.core.model.agent import Limits
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.stop_when import StopWhen
from ringfence.engine.models.pausing import HOLD_S

AGENT = AgentId("support")


async def listening() -> ModelShop:
    shop = await ModelShop.open([used("toolu_1", "fetch", url="x")], [used("toolu_2", "fetch", url="y")])
    catalogue = shop.world.catalogue
    stops = replace(catalogue.rules.agents[AGENT], limits=Limits(stop_when=StopWhen(untrusted=True)))
    catalogue.replace(replace(catalogue.rules, agents={**catalogue.rules.agents, AGENT: stops}), catalogue.upstreams)
    await catalogue.ensure_listed()
    return shop


@pytest.mark.requirement("I6")
async def test_the_request_that_brings_it_is_held_and_the_run_paused_once() -> None:
    shop = await listening()
    assert (await shop.ask({"type": "text", "text": "look it up"})).status == 200
    asking = asyncio.create_task(shop.ask(result("toolu_1", "a page of the internet")))
    await shop.world.clock.until_sleeping()
    (stop,) = await shop.world.stops.in_force()
    assert (stop.by, stop.scope.target) == ("stop_when:untrusted", shop.run.run.id)
    while not asking.done():
        shop.world.clock.advance(int(HOLD_S * 1000))
        await asyncio.sleep(0)
    assert asking.result().status == 429
    assert len(shop.model.sent) == 1
    ada = await shop.world.operator()
    await shop.world.stops.lift(stop.id, ada, reason="looked at it", confirmed=False)
    assert (await shop.send(shop.messages)).status == 200
    assert await shop.world.stops.in_force() == ()
