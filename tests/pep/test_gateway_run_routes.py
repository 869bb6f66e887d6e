"""Opening, renewing and closing runs over the data plane."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest

from ringfence.adapters.pep.mcp_gateway.peer import PEER_KEY, Listener, Peer
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.run import Posture
from ringfence.engine.identity.identify import Presented
from ringfence.engine.request import ToolRequest
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.gateway import HOST, gateway
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

OWN = Peer(Listener.UNIX, os.getuid())


async def post(
    app: Any, path: str, value: Any = None, *, peer: Peer = OWN, credential: str = "", host: str = "localhost"
) -> Exchange:
    headers = {"host": host, "content-type": "application/json"}
    if credential:
        headers["authorization"] = f"Bearer {credential}"
    body = b"" if value is None else json.dumps(value).encode()
    return await start(app, "POST", path, headers, body, extensions={PEER_KEY: peer}).done()


async def test_the_gateways_own_user_opens_a_run_whose_task_is_not_trusted() -> None:
    world = await World.build()
    opened = await post(gateway(world), "/runs", {"agent": "support", "task": "look around"})
    assert opened.status == 200
    run = await world.store.run(RunId(opened.json["run"]))
    assert run is not None
    assert (run.agent, run.task, run.task_trusted, run.opened_by) == ("support", "look around", False, "agent:support")
    assert opened.json["expires_at"] == run.expires_at
    assert opened.json["expires_in_s"] == 900
    sent = Presented(opened.json["credential"], Posture.SEPARATE, OWN.senders(0))
    outcome = await world.enforcer.enforce(sent, ToolRequest("orders__get", {"order": "A1"}))
    assert type(outcome).__name__ == "Returned"


@pytest.mark.requirement("I17")
@pytest.mark.parametrize(
    ("peer", "status"),
    [
        (Peer(Listener.TCP, os.getuid()), 403),
        (Peer(Listener.UNIX, None), 403),
        (Peer(Listener.UNIX, os.getuid() + 1), 403),
        (Peer(), 403),
    ],
)
async def test_nobody_else_opens_runs(peer: Peer, status: int) -> None:
    world = await World.build()
    host = HOST if peer.listener is Listener.TCP else "localhost"
    assert (await post(gateway(world), "/runs", {"agent": "support"}, peer=peer, host=host)).status == status
    assert await world.store.runs() == ()


async def test_the_operator_names_who_may_open_runs_of_an_agent() -> None:
    rule = replace(shop_rules().agents[SUPPORT], uids=frozenset({4711}))
    world = await World.build(rules=shop_rules(agents=(rule,)))
    app = gateway(world)
    assert (await post(app, "/runs", {"agent": "support"}, peer=Peer(Listener.UNIX, 4711))).status == 200
    refused = await post(app, "/runs", {"agent": "support"})
    unknown = await post(app, "/runs", {"agent": "nobody"})
    assert (refused.status, unknown.status) == (403, 403)
    assert refused.json["error"]["message"].replace("support", "nobody") == unknown.json["error"]["message"]


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"agent": 7}, {"agent": "support", "task": 7}, {"agent": "support", "parent": "r_1"}, {"agent": "x" * 99}],
)
async def test_a_body_that_is_not_a_request_for_a_run_is_refused(value: Any) -> None:
    world = await World.build()
    assert (await post(gateway(world), "/runs", value)).status == 400


async def test_a_task_that_is_too_long_is_refused_with_a_remedy() -> None:
    world = await World.build()
    refused = await post(gateway(world), "/runs", {"agent": "support", "task": "x" * 30_000})
    assert refused.status == 409
    assert refused.json["error"]["remedy"]


@pytest.mark.requirement("I19")
async def test_a_user_opens_a_bounded_number_of_runs_a_minute() -> None:
    world = await World.build()
    app = gateway(world, limits=GatewayLimits(runs_per_minute=2))
    assert [(await post(app, "/runs", {"agent": "support"})).status for _ in range(3)] == [200, 200, 429]
    world.clock.advance(61_000)
    assert (await post(app, "/runs", {"agent": "support"})).status == 200


@pytest.mark.requirement("I8")
async def test_a_run_is_renewed_and_closed_by_whoever_holds_its_credential() -> None:
    world = await World.build()
    app = gateway(world)
    opened = (await post(app, "/runs", {"agent": "support"})).json
    world.clock.advance(600_000)
    renewed = await post(app, "/runs/renew", credential=opened["credential"])
    assert renewed.json["expires_at"] == opened["expires_at"] + 600_000
    assert (await post(app, "/runs/renew")).status == 401
    assert (await post(app, "/runs/close", credential="wrong")).status == 401
    closed = await post(app, "/runs/close", credential=opened["credential"])
    assert (closed.status, closed.json) == (200, {"run": opened["run"]})
    assert (await post(app, "/runs/renew", credential=opened["credential"])).status == 401


@pytest.mark.requirement("I8")
@pytest.mark.parametrize(
    "peer",
    [
        Peer(Listener.UNIX, os.getuid() + 1),
        Peer(Listener.UNIX, None),
        Peer(Listener.TCP, os.getuid(), loopback=True),
        Peer(),
    ],
    ids=str,
)
async def test_the_credential_of_a_run_opened_over_the_socket_is_nobody_elses(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    world = await World.build()
    app = gateway(world)
    credential = (await post(app, "/runs", {"agent": "support"})).json["credential"]
    host = HOST if peer.listener is Listener.TCP else "localhost"
    stolen = await post(app, "/runs/renew", credential=credential, peer=peer, host=host)
    made_up = await post(app, "/runs/renew", credential="made-up", peer=peer, host=host)
    assert (stolen.status, stolen.body, stolen.headers) == (401, made_up.body, made_up.headers)
    assert f"it is bound to uid:{os.getuid()}" in caplog.text
    assert credential not in caplog.text
    assert (await post(app, "/runs/renew", credential=credential)).status == 200


async def test_a_standing_run_is_not_its_agents_to_close() -> None:
    world = await World.build()
    opened = await world.runs.open(SUPPORT, "", by="operator:ada", trusted=False, standing=True)
    assert not hasattr(opened, "why")
    credential = getattr(opened, "credential", "")
    assert (await post(gateway(world), "/runs/close", credential=credential)).status == 409
