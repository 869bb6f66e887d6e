"""Models beside the gateway at one address: whose request it is, by what its connection says."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from ringfence.adapters.pep.mcp_gateway.peer import PEER_KEY, Boxed, Listener, Peer
from ringfence.app.data_plane import App
from ringfence.app.gateway import Gateway
from ringfence.app.wiring.models import with_models
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule
from ringfence.core.model.run import Posture
from ringfence.core.rules import AgentRule
from ringfence.engine.runs.runs import Opened
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

HOST = "127.0.0.1:7410"
BODY = json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).encode()
BINDING = f"box:{'A' * 43}"


def usage(asked: Mapping[str, Any]) -> Mapping[str, int]:
    return {"input_tokens": 3, "output_tokens": 4}


async def open_in_box(world: World) -> Opened:
    opened = await world.runs.open(SUPPORT, "look after ticket 7", by="operator:ada", trusted=True, binding=BINDING)
    assert isinstance(opened, Opened)
    return opened


async def others(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def served(*, models: bool = True) -> tuple[World, App, FakeModel]:
    asks = AgentRule(id=SUPPORT, purpose="asks models", tools=(), models=("*",))
    rules = shop_rules(agents=(asks,))
    if models:
        rules = replace(rules, models=ModelRules(upstreams=(ModelUpstreamRule(name="vendor"),)))
    world = await World.build(rules=rules, models={"vendor": (model := FakeModel(usage))})
    app = with_models(cast("Gateway", world), others, (HOST,), lambda peer: Posture.SEPARATE, world.clock)
    return world, app, model


def post(app: App, key: str | None, peer: Peer | None = None, path: str = "/anthropic/v1/messages") -> Exchange:
    headers = {"host": HOST, "content-type": "application/json", **({"x-api-key": key} if key is not None else {})}
    return start(app, "POST", path, headers, BODY, extensions={PEER_KEY: peer} if peer is not None else None)


async def whose(world: World) -> list[str | None]:
    return [entry.get("run") for entry in await world.entries() if entry["kind"] == "decision"]


async def test_a_run_is_known_by_its_credential() -> None:
    world, app, model = await served()
    run = await world.open_run()
    answer = await post(app, run.credential).done()
    assert (answer.status, answer.json["usage"]["output_tokens"]) == (200, 4)
    assert await whose(world) == [run.run.id]
    assert len(model.sent) == 1


async def test_in_a_box_the_listener_says_whose_it_is_whatever_is_sent_as_a_key_that_is_not_of_the_box() -> None:
    world, app, _ = await served()
    boxed, below = await open_in_box(world), await open_in_box(world)
    other = await world.open_run()
    peer = Peer(Listener.BOX, box=Boxed(boxed.credential, BINDING))
    for key in (None, "anything", other.credential, below.credential):
        assert (await post(app, key, peer).done()).status == 200
    assert await whose(world) == [boxed.run.id] * 3 + [below.run.id]


async def test_a_credential_of_a_box_is_worth_nothing_outside() -> None:
    world, app, model = await served()
    boxed = await open_in_box(world)
    assert (await post(app, boxed.credential).done()).status == 401
    assert model.sent == []


async def test_everything_else_is_the_gateways_and_without_models_nothing_is_there() -> None:
    world, app, _ = await served()
    run = await world.open_run()
    assert (await post(app, run.credential, path="/mcp").done()).status == 418
    assert (await post(app, run.credential, path="/anthropics/v1/messages").done()).status == 418
    world, app, model = await served(models=False)
    run = await world.open_run()
    assert (await post(app, run.credential).done()).status == 404
    assert model.sent == []


async def test_a_store_that_does_not_answer_lets_nothing_through() -> None:
    world, app, model = await served()
    run = await world.open_run()
    await world.store.close()
    answer = await post(app, run.credential).done()
    assert (answer.status, answer.header("x-should-retry")) == (503, "false")
    assert model.sent == []
