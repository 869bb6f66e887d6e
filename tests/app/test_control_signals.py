"""Signals, and what a run shows of guards and stops, over the API."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.app.control_kit import Desk

from ringfence.core.model.agent import Limits
from ringfence.core.model.guards import GuardRules
from ringfence.core.model.stop_when import StopWhen
from ringfence.engine.outcome import Refused
from ringfence.testing.scenario import shop_rules

ORDER = {"order": "A1"}


async def desk_with(stop_when: StopWhen, guards: GuardRules | None = None) -> Desk:
    desk = await Desk.open()
    rules = replace(shop_rules(limits=Limits(stop_when=stop_when)), guards=guards)
    desk.world.catalogue.replace(rules, desk.world.catalogue.upstreams)
    await desk.world.catalogue.ensure_listed()
    return desk


async def test_a_signal_is_acknowledged_like_a_pause_and_named_in_what_the_run_shows() -> None:
    desk = await desk_with(StopWhen(signals=frozenset({"incident"})))
    run = await desk.world.open_run()
    answer = await desk.api("POST", "/signals", {"signal": "incident", "run": run.run.id, "reason": "paged"}, by="bo")
    assert answer.status == 200
    (stopped,) = answer.json["stopped"]
    assert stopped["durable"] is True
    assert (stopped["stop"]["by"], stopped["stop"]["reason"]) == ("operator:bo", "signal incident: paged")
    shown = (await desk.api("GET", f"/runs/{run.run.id}")).json
    assert shown["stops_when"] == ["signal incident"]
    assert shown["stopped_by"] == [f"{stopped['stop']['id']}: pause of run {run.run.id} by operator:bo: signal incident: paged"]
    assert isinstance(await desk.world.call(run, "orders__get", ORDER), Refused)
    assert (await desk.api("POST", "/resume", {"id": stopped["stop"]["id"]}, by="bo")).status == 200
    assert (await desk.api("GET", f"/runs/{run.run.id}")).json["stopped_by"] == []


async def test_a_signal_that_nobody_listens_to_is_refused_with_what_to_do_instead() -> None:
    desk = await desk_with(StopWhen(signals=frozenset({"incident"})))
    answer = await desk.api("POST", "/signals", {"signal": "storm"})
    assert answer.status == 409
    assert "`storm`" in answer.json["error"]["message"]
    assert "ringfence pause" in answer.json["error"]["remedy"]


async def test_a_viewer_may_not_send_one() -> None:
    desk = await desk_with(StopWhen(signals=frozenset({"incident"})))
    assert (await desk.api("POST", "/signals", {"signal": "incident"}, by="vi")).status == 403


@pytest.mark.requirement("I7")
async def test_a_run_that_was_paused_by_the_gateway_says_by_which_guard_and_explains_it() -> None:
    desk = await desk_with(StopWhen(), GuardRules())
    run = await desk.world.open_run()
    for _ in range(15):
        await desk.world.call(run, "orders__get", ORDER)
    shown = (await desk.api("GET", f"/runs/{run.run.id}")).json
    assert (shown["warned_by"], shown["stopped_by"]) == (["identical"], [])
    outcomes = [await desk.world.call(run, "orders__get", ORDER) for _ in range(10)]
    refused = outcomes[-1]
    (why,) = (await desk.api("GET", f"/runs/{run.run.id}")).json["stopped_by"]
    assert " by guard:identical: 20 calls in a row that brought nothing new" in why
    assert isinstance(refused, Refused)
    explained = (await desk.api("GET", f"/explain/{refused.entry}")).json
    assert "guard:identical" in explained["reasons"][0]["detail"]
    assert "ringfence resume" in explained["reasons"][0]["smallest_change"]["text"]
    (stop,) = [entry for entry in await desk.world.entries() if entry["decision"] == "pause"]
    told = (await desk.api("GET", f"/explain/e{stop['seq']}")).json["in_words"]
    assert told.startswith(f"pause of run {run.run.id} by guard:identical: 20 calls in a row")


async def test_a_halt_is_explained_with_the_key_that_changes_it() -> None:
    desk = await desk_with(StopWhen(destructive=True))
    run = await desk.world.open_run()
    halted = await desk.world.call(run, "payments__refund", {"order": "A1", "amount": 5})
    assert isinstance(halted, Refused)
    explained = (await desk.api("GET", f"/explain/{halted.entry}")).json
    assert "halted the run" in explained["in_words"]
    assert "the configuration of the agent says that its run stops here" in explained["in_words"]
    (reason,) = [one for one in explained["reasons"] if one["code"] == "stop_condition"]
    assert reason["smallest_change"]["path"] == "agents.support.stop_when"
