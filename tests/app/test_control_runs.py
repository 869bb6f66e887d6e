"""Runs, agents and status over the API."""

from __future__ import annotations

import pytest
from tests.app.control_kit import Desk

from ringfence.core.model.run import Posture
from ringfence.core.model.verdict import ReasonCode
from ringfence.engine.identity.identify import Presented
from ringfence.engine.outcome import Refused, Returned, Waiting
from ringfence.engine.request import ToolRequest
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.world import World

ORDER = {"order": "A1"}


async def test_an_opened_run_has_a_credential_and_a_task_in_trusted_words() -> None:
    desk = await Desk.open()
    answer = await desk.api("POST", "/runs", {"agent": "support", "task": "ticket 7"})
    assert answer.status == 200
    assert set(answer.json) >= {"run", "credential", "expires_at"}
    assert isinstance(await desk.world.call(answer.json["credential"], "orders__get", ORDER), Returned)
    shown = (await desk.api("GET", f"/runs/{answer.json['run']}")).json
    assert shown["task_trusted"] is True
    assert shown["opened_by"] == "operator:ada"
    assert shown["calls_spent"] == 1


async def test_a_credential_is_shown_once_and_never_again() -> None:
    desk = await Desk.open()
    opened = (await desk.api("POST", "/runs", {"agent": "support", "task": "x"})).json
    for path in ("/runs", f"/runs/{opened['run']}", "/audit", "/audit/export", "/status"):
        assert opened["credential"] not in (await desk.api("GET", path)).text


async def test_a_child_run_hangs_below_its_parent() -> None:
    desk = await Desk.open()
    parent = (await desk.api("POST", "/runs", {"agent": "support", "task": "x"})).json["run"]
    child = (await desk.api("POST", "/runs", {"agent": "reader", "task": "y", "parent": parent})).json["run"]
    assert (await desk.api("GET", f"/runs/{child}")).json["parent"] == parent
    assert (await desk.api("GET", f"/runs/{parent}")).json["open_child_runs"] == [child]


async def test_an_unknown_agent_or_parent_is_refused_with_what_is_known() -> None:
    desk = await Desk.open()
    answer = await desk.api("POST", "/runs", {"agent": "suport", "task": "x"})
    assert answer.status == 409
    assert "support" in answer.error["remedy"]
    assert (await desk.api("POST", "/runs", {"agent": "support", "task": "x", "parent": "r_x"})).status == 409


async def test_a_closed_run_is_over() -> None:
    desk = await Desk.open()
    run = await desk.world.open_run()
    ticket = await desk.world.ask(run)
    answer = await desk.api("POST", f"/runs/{run.run.id}/close", {"reason": "done"}, by="bo")
    assert answer.json["state"] == "closed"
    assert answer.json["withdrawn"] == [ticket.id]
    refused = await desk.world.call(run, "orders__get", ORDER)
    assert isinstance(refused, Refused)
    assert refused.code is ReasonCode.CREDENTIAL
    assert (await desk.api("POST", f"/runs/{run.run.id}/close", {})).status == 409


async def test_runs_are_listed_for_one_agent() -> None:
    desk = await Desk.open()
    await desk.world.open_run("support")
    reader = await desk.world.open_run("reader")
    assert [run["id"] for run in (await desk.api("GET", "/runs?agent=reader")).json["runs"]] == [reader.run.id]
    assert len((await desk.api("GET", "/runs")).json["runs"]) == 2


async def test_a_static_credential_has_one_standing_run() -> None:
    desk = await Desk.open()
    first = (await desk.api("POST", "/agents/support/credential", {})).json
    second = (await desk.api("POST", "/agents/support/credential", {})).json
    assert first["run"] != second["run"]
    assert second["expires_at"] is None
    assert isinstance(await desk.world.call(first["credential"], "orders__get", ORDER), Refused)
    assert isinstance(await desk.world.call(second["credential"], "orders__get", ORDER), Returned)


async def test_agents_are_listed_with_the_tools_that_exist_for_them() -> None:
    desk = await Desk.open()
    agents = {agent["id"]: agent for agent in (await desk.api("GET", "/agents", by="vi")).json["agents"]}
    assert agents["reader"]["tools"] == ["orders.get"]
    assert "payments.refund" in agents["support"]["tools"]


async def test_status_shows_posture_health_counts_and_stops() -> None:
    desk = await Desk.open(status=lambda: {"config": "ringfence.yaml"})
    run = await desk.world.open_run()
    assert isinstance(await desk.world.call(run, "payments__refund", {"order": "A1", "amount": 25}), Waiting)
    await desk.api("POST", "/pause", {"scope": {"agent": "reader"}})
    shown = (await desk.api("GET", "/status", by="vi")).json
    assert shown["posture"] == "separate"
    assert shown["degraded"] == ""
    assert shown["servers"] == {"orders": "ok", "payments": "ok"}
    assert shown["open_runs_by_agent"] == {"support": 1}
    assert shown["approvals_waiting"] == 1
    assert shown["stops"][0]["text"] == "pause of agent reader"
    assert shown["gateway"] == {"config": "ringfence.yaml"}


async def test_status_answers_where_nothing_can_be_recorded() -> None:
    world = await World.build()
    store = FakeStore(world.store)
    desk = await Desk.open(await World.build(store=(store, world.log)))
    store.fail_at(StoreStep.RECORD)
    assert (await desk.api("GET", "/status")).json["degraded"]
    assert (await desk.page("GET", "/readyz")).status == 503
    assert (await desk.page("GET", "/healthz")).status == 200


@pytest.mark.requirement("I8")
async def test_an_operator_says_to_whom_a_credential_is_bound() -> None:
    desk = await Desk.open()
    key = "jkt:" + "A" * 43
    opened = (await desk.api("POST", "/runs", {"agent": "support", "task": "x", "binding": key})).json
    assert opened["bound_to"] == key
    assert (await desk.api("GET", f"/runs/{opened['run']}")).json["bound_to"] == [key]
    assert isinstance(await desk.world.call(opened["credential"], "orders__get", ORDER), Refused)
    sent = Presented(opened["credential"], Posture.SEPARATE, frozenset({key}))
    assert isinstance(await desk.world.enforcer.enforce(sent, ToolRequest("orders__get", ORDER)), Returned)
    static = (await desk.api("POST", "/agents/reader/credential", {"binding": key})).json
    assert static["bound_to"] == key
    assert (await desk.api("GET", "/status")).json["unbound_runs"] == 0


@pytest.mark.requirement("I8", "I11")
async def test_an_operator_binds_a_child_to_a_user_and_to_a_key_of_its_own() -> None:
    desk = await Desk.open()
    parent = (await desk.api("POST", "/runs", {"agent": "support", "task": "x", "binding": "uid:1000"})).json
    both = "uid:1000+jkt:" + "A" * 43
    asked = {"agent": "support", "task": "x", "parent": parent["run"], "binding": both}
    child = (await desk.api("POST", "/runs", asked)).json
    assert child["bound_to"] == both
    for senders, is_mine in (({"uid:1000"}, False), ({both[9:]}, False), ({"uid:1000", both[9:]}, True)):
        sent = Presented(child["credential"], Posture.SEPARATE, frozenset(senders))
        outcome = await desk.world.enforcer.enforce(sent, ToolRequest("orders__get", ORDER))
        assert isinstance(outcome, Returned) is is_mine, senders


@pytest.mark.parametrize("binding", ["jkt:short", "pid:1", "uid:root", "nobody"])
async def test_a_binding_that_is_none_is_refused_with_its_forms(binding: str) -> None:
    desk = await Desk.open()
    answer = await desk.api("POST", "/runs", {"agent": "support", "task": "x", "binding": binding})
    assert answer.status == 409
    assert "uid:" in answer.error["remedy"]
    assert await desk.world.store.runs() == ()


async def test_a_credential_that_is_bound_to_nobody_is_shown_as_such() -> None:
    desk = await Desk.open()
    opened = (await desk.api("POST", "/runs", {"agent": "support", "task": "x"})).json
    assert opened["bound_to"] == "nobody"
    assert (await desk.api("GET", "/runs")).json["runs"][0]["bound_to"] == ["nobody"]
    assert (await desk.api("GET", "/status")).json["unbound_runs"] == 1
    assert (await desk.api("GET", f"/runs/{opened['run']}/timeline")).json["bound_to"] == ["nobody"]
    desk.world.clock.advance(901_000)
    assert (await desk.api("GET", f"/runs/{opened['run']}")).json["bound_to"] == []
    assert (await desk.api("GET", "/status")).json["unbound_runs"] == 0
