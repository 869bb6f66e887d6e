"""Kill, pause, disable and letting go on, over the API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.app.control_kit import Desk

from ringfence.engine.outcome import Refused, Returned
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.scenario import ORDERS
from ringfence.testing.world import World

ORDER = {"order": "A1"}


@pytest.mark.requirement("I6")
@pytest.mark.parametrize(
    "body",
    [
        {"scope": "everything"},
        {"scope": {"kind": "everything"}},
        {"scope": {"everything": True}},
        {"scope": "agent", "target": "support"},
        {"scope": {"agent": "support"}},
        {"scope": {"kind": "agent", "target": "support"}},
        {"scope": {"server": "orders"}},
        {"scope": "tool", "target": "orders.get"},
        {"scope": {"tool": "orders.get", "agent": "support"}},
        {"scope": "tool", "target": "orders.get", "agent": "support"},
    ],
    ids=str,
)
async def test_every_way_to_name_a_scope_kills_it(body: dict[str, Any]) -> None:
    desk = await Desk.open()
    run = await desk.world.open_run()
    answer = await desk.api("POST", "/kill", {**body, "reason": "drill"}, by="bo")
    assert answer.status == 200
    assert answer.json["durable"] is True
    assert answer.json["entry"].startswith("e")
    assert answer.json["stop"]["by"] == "operator:bo"
    assert isinstance(await desk.world.call(run, "orders__get", ORDER), Refused)
    assert not desk.world.upstreams[ORDERS].executed


async def test_a_run_is_killed_with_what_waits_in_it() -> None:
    desk = await Desk.open()
    run = await desk.world.open_run()
    ticket = await desk.world.ask(run)
    other = await desk.world.open_run()
    answer = await desk.api("POST", "/kill", {"scope": {"run": run.run.id}})
    assert answer.json["withdrawn"] == [ticket.id]
    assert isinstance(await desk.world.call(other, "orders__get", ORDER), Returned)


@pytest.mark.requirement("I6")
async def test_the_acknowledgement_lists_what_was_under_way() -> None:
    desk = await Desk.open()
    run = await desk.world.open_run()
    call = asyncio.create_task(desk.world.call(run, "orders__slow", ORDER))
    await desk.world.upstreams[ORDERS].until_executed(1)
    desk.world.clock.advance(5000)
    answer = await desk.api("POST", "/kill", {"scope": "everything"})
    (flight,) = answer.json["inflight"]
    assert flight["tool"] == "orders.slow"
    assert flight["run"] == run.run.id
    assert flight["sent"] is True
    assert flight["ended"] is True
    await call


async def test_a_kill_that_the_disk_does_not_take_holds_and_says_so() -> None:
    world = await World.build()
    store = FakeStore(world.store)
    desk = await Desk.open(await World.build(store=(store, world.log)))
    run = await desk.world.open_run()
    store.fail_at(StoreStep.DURABLE)
    answer = await desk.api("POST", "/kill", {"scope": "everything"})
    assert answer.status == 200
    assert answer.json["durable"] is False
    assert "disk" in answer.json["warning"]
    store.work_again()
    assert isinstance(await desk.world.call(run, "orders__get", ORDER), Refused)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "scope"),
        ({"scope": "everythin"}, "unknown kind"),
        ({"scope": {"agnt": "support"}}, "unknown key"),
        ({"scope": {"agent": "support", "run": "r_x"}}, "not exactly one"),
        ({"scope": {}}, "not exactly one"),
        ({"scope": {"kind": "run"}}, "target"),
        ({"scope": "everything", "target": "support"}, "no target"),
        ({"scope": {"server": "orders"}, "target": "x"}, "inside"),
        ({"scope": "agent", "target": "support", "agent": "reader"}, "only a tool"),
        ({"scope": {"run": 1}}, "name"),
        ({"scope": ["everything"]}, "text or an object"),
        ({"scope": "everything", "mode": "drain"}, "one of"),
    ],
    ids=str,
)
async def test_a_scope_that_could_mean_something_else_stops_nothing(body: dict[str, Any], said: str) -> None:
    desk = await Desk.open()
    answer = await desk.api("POST", "/kill", body)
    assert answer.status == 400
    assert said in answer.error["message"]
    assert (await desk.api("GET", "/stops")).json == {"stops": []}


async def test_a_stop_on_a_name_that_nobody_knows_is_refused_with_the_known_ones() -> None:
    desk = await Desk.open()
    answer = await desk.api("POST", "/kill", {"scope": {"agent": "suport"}})
    assert answer.status == 409
    assert "support" in answer.error["remedy"]


async def test_a_kill_is_lifted_by_a_second_admin_with_a_reason() -> None:
    desk = await Desk.open()
    await desk.api("POST", "/operators", {"name": "cy", "role": "admin"})
    run = await desk.world.open_run()
    stop = (await desk.api("POST", "/kill", {"scope": "everything"}, by="bo")).json["stop"]
    refused = await desk.api("DELETE", "/kill", {"id": stop["id"]}, by="bo")
    assert refused.status == 409
    assert "admin" in refused.error["message"]
    assert (await desk.api("DELETE", "/kill", {"id": stop["id"]})).status == 409  # no reason
    lifted = await desk.api("DELETE", "/kill", {"id": stop["id"], "reason": "looked at it"})
    assert lifted.json["lifted"][0]["stop"]["id"] == stop["id"]
    assert isinstance(await desk.world.call(run, "orders__get", ORDER), Returned)


async def test_the_only_admin_confirms_a_second_time() -> None:
    desk = await Desk.open()
    await desk.api("POST", "/kill", {"scope": "everything"})
    body: dict[str, Any] = {"scope": "everything", "reason": "false alarm"}
    assert (await desk.api("DELETE", "/kill", body)).status == 409
    lifted = await desk.api("DELETE", "/kill", {**body, "confirm": True})
    assert lifted.json["lifted"][0]["single_person"] is True


async def test_a_kill_may_be_lifted_without_a_body() -> None:
    desk = await Desk.open()
    await desk.api("POST", "/kill", {"scope": {"agent": "support"}}, by="bo")
    answer = await desk.api("DELETE", "/kill?scope=agent&target=support&reason=looked+at+it")
    assert answer.status == 200
    assert (await desk.api("GET", "/stops")).json == {"stops": []}


async def test_lifting_by_scope_lifts_every_kill_of_exactly_that_scope() -> None:
    desk = await Desk.open()
    for scope in ({"agent": "support"}, {"agent": "support"}, {"agent": "reader"}):
        await desk.api("POST", "/kill", {"scope": scope}, by="bo")
    answer = await desk.api("DELETE", "/kill", {"scope": {"agent": "support"}, "reason": "over"})
    assert len(answer.json["lifted"]) == 2
    assert [stop["scope"]["target"] for stop in (await desk.api("GET", "/stops")).json["stops"]] == ["reader"]


async def test_lifting_what_is_not_in_force_is_refused() -> None:
    desk = await Desk.open()
    assert (await desk.api("DELETE", "/kill", {"scope": "everything", "reason": "x"})).status == 409
    assert (await desk.api("DELETE", "/kill", {"id": "s_x", "reason": "x"})).status == 409


async def test_a_pause_is_not_lifted_as_a_kill() -> None:
    desk = await Desk.open()
    stop = (await desk.api("POST", "/pause", {"scope": "everything"}, by="bo")).json["stop"]
    answer = await desk.api("DELETE", "/kill", {"id": stop["id"], "reason": "x"})
    assert answer.status == 409
    assert "resume" in answer.error["remedy"]
    assert (await desk.api("POST", "/resume", {"id": stop["id"]}, by="bo")).status == 200


async def test_a_pause_leaves_approvals_waiting() -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    answer = await desk.api("POST", "/kill", {"scope": "everything", "mode": "pause"}, by="bo")
    assert answer.json["stop"]["mode"] == "pause"
    assert answer.json["withdrawn"] == []
    assert [item["id"] for item in (await desk.api("GET", "/approvals")).json["approvals"]] == [ticket.id]


async def test_a_tool_is_switched_off_and_on_for_everybody_or_for_one_agent() -> None:
    desk = await Desk.open()
    support, reader = await desk.world.open_run("support"), await desk.world.open_run("reader")
    await desk.api("POST", "/tools/orders.get/disable", {"agent": "reader", "reason": "odd"}, by="bo")
    assert isinstance(await desk.world.call(reader, "orders__get", ORDER), Refused)
    assert isinstance(await desk.world.call(support, "orders__get", ORDER), Returned)
    wide = await desk.api("POST", "/tools/orders.get/enable", {}, by="bo")
    assert wide.json["lifted"] == []
    assert wide.json["still_disabled"][0]["scope"]["agent"] == "reader"
    await desk.api("POST", "/tools/orders.get/enable", {"agent": "reader"}, by="bo")
    assert isinstance(await desk.world.call(reader, "orders__get", ORDER), Returned)


async def test_tools_are_listed_with_what_gates_them_and_who_has_them() -> None:
    desk = await Desk.open()
    await desk.api("POST", "/tools/orders.get/disable")
    tools = {tool["id"]: tool for tool in (await desk.api("GET", "/tools", by="vi")).json["tools"]}
    assert tools["payments.refund"]["gates"] == ["irreversible", "costs_money"]
    assert tools["orders.get"]["agents"] == ["reader", "support"]
    assert len(tools["orders.get"]["disabled"]) == 1


async def test_an_unknown_tool_cannot_be_disabled() -> None:
    desk = await Desk.open()
    assert (await desk.api("POST", "/tools/orders.gett/disable", {})).status == 409
