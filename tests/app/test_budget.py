"""Budgets over the control API: shown to everybody with a role, raised by approvers."""

from __future__ import annotations

import pytest
from tests.app.control_kit import Desk

from ringfence.core.model.agent import Limits
from ringfence.core.model.identifiers import ToolId
from ringfence.core.model.limits import MICRO, Rate, SumCap, ToolLimits
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits
from ringfence.core.rules import AgentRule
from ringfence.testing.scenario import READ, REFUND, SUPPORT, shop_rules, tool_rule
from ringfence.testing.world import World

DAY = 86_400_000


async def a_desk() -> Desk:
    sums = (SumCap(pointer="/amount", cap=100 * MICRO), SumCap(pointer="/amount", cap=500 * MICRO, window_ms=DAY))
    tools = (
        tool_rule("payments.refund", REFUND, limits=ToolLimits(sums=sums)),
        tool_rule("orders.get", READ, limits=ToolLimits(rate=Rate(10, 60_000, 2))),
    )
    limits = Limits(calls_per_run=3, wall_clock_s=3600, rows_per_run=50)
    return await Desk.open(await World.build(rules=shop_rules(limits=limits, tools=tools)))


async def test_every_meter_of_a_run_is_shown_with_used_held_cap_and_when_it_is_free_again() -> None:
    desk = await a_desk()
    run = await desk.world.open_run()
    await desk.world.call(run, "orders__get", {"order": "A"})
    ticket = await desk.world.ask(run, arguments={"order": "A", "amount": 60})
    await desk.world.approve(ticket)
    await desk.world.call(run, "payments__refund", {"order": "A", "amount": 60})
    answer = await desk.api("GET", f"/budget?run={run.run.id}", by="vi")
    assert answer.status == 200, answer.text
    meters = {meter.pop("meter"): meter for meter in answer.json["meters"]}
    own = f"run/{run.run.id}"
    assert meters[f"calls:{own}:all"] == {
        "kind": "calls", "used": 2, "held": 0, "cap": 3, "added": 0, "left": 1, "window_s": None, "frees_at": None,
    }  # fmt: skip
    assert meters[f"rows:{own}:all"]["used"] == 2
    assert meters[f"sum:{own}:payments.refund/amount"]["left"] == "40"
    day = meters["sum:agent/support:payments.refund/amount@86400s"]
    assert (day["used"], day["cap"], day["window_s"]) == ("60", "500", 86_400)
    assert day["frees_at"] is not None
    assert meters["rate:agent/support:orders.get"]["used"] == 1
    assert meters[f"wall_clock:{own}:all"]["cap"] == 3600
    shared = await desk.api("GET", "/budget?agent=support", by="vi")
    assert {meter["meter"].split(":")[1] for meter in shared.json["meters"]} == {"agent/support"}


async def test_a_raise_is_an_approvers_act_that_the_log_shows() -> None:
    desk = await a_desk()
    run = await desk.world.open_run()
    own = f"sum:run/{run.run.id}:payments.refund/amount"
    body = {"run": run.run.id, "meter": own, "by": "+20.50", "reason": "the customer is right"}
    assert (await desk.api("POST", "/budget/raise", body, by="vi")).status == 403
    answer = await desk.api("POST", "/budget/raise", body, by="bo")
    assert answer.status == 200, answer.text
    assert (answer.json["meter"]["cap"], answer.json["meter"]["added"]) == ("120.5", "20.5")
    entry = [entry for entry in await desk.world.entries() if entry["decision"] == "raise"]
    assert [(e["by"], e["body"]["by"], e["body"]["reason"]) for e in entry] == [
        ("operator:bo", "20.5", "the customer is right")
    ]
    shown = (await desk.api("GET", f"/runs/{run.run.id}")).json["calls_cap"]
    await desk.api("POST", "/budget/raise", {"run": run.run.id, "by": "2", "reason": "r"})
    assert (await desk.api("GET", f"/runs/{run.run.id}")).json["calls_cap"] == shown + 2


@pytest.mark.parametrize("by", ["0", "-1", "1.5", "many", "1e3", ""])
async def test_a_cap_is_raised_by_a_number_above_nothing(by: str) -> None:
    desk = await a_desk()
    run = await desk.world.open_run()
    answer = await desk.api("POST", "/budget/raise", {"run": run.run.id, "by": by, "reason": "r"})
    assert answer.status == 400, answer.text
    assert f"above 0 and at most 1000000000000, with decimals for sums and money only, found `{by}`" in answer.error["message"]


async def test_a_raise_without_a_reason_is_refused() -> None:
    desk = await a_desk()
    run = await desk.world.open_run()
    for reason in ("", "  "):
        answer = await desk.api("POST", "/budget/raise", {"run": run.run.id, "by": "2", "reason": reason})
        assert "needs a reason" in answer.error["message"]


async def test_every_meter_of_a_run_can_be_raised_under_the_name_that_is_shown() -> None:
    desk = await a_desk()
    run = await desk.world.open_run()
    shown = (await desk.api("GET", f"/budget?run={run.run.id}")).json["meters"]
    own = [meter["meter"] for meter in shown if f":run/{run.run.id}:" in meter["meter"] and meter["kind"] != "wall_clock"]
    assert f"calls:run/{run.run.id}:all" in own
    for meter in own:
        answer = await desk.api("POST", "/budget/raise", {"run": run.run.id, "meter": meter, "by": "2", "reason": "r"})
        assert answer.status == 200, answer.text
        assert answer.json["meter"]["meter"] == meter


async def test_what_is_not_there_is_refused_in_words() -> None:
    desk = await a_desk()
    run = await desk.world.open_run()
    assert (await desk.api("GET", "/budget")).status == 400
    assert (await desk.api("GET", f"/budget?run={run.run.id}&agent=support")).status == 400
    assert "no agent" in (await desk.api("GET", "/budget?agent=nobody")).error["message"]
    assert "no run" in (await desk.api("GET", "/budget?run=r_none")).error["message"]
    body = {"run": run.run.id, "meter": "rate:agent/support:orders.get", "by": "5", "reason": "r"}
    assert "no meter" in (await desk.api("POST", "/budget/raise", body)).error["message"]
    assert desk.world.catalogue.rules.tools[ToolId("orders.get")].limits.rate is not None


async def a_desk_with_models() -> Desk:
    caps = (
        ModelCap(MeterKind.SPEND, 5 * MICRO),
        ModelCap(MeterKind.SPEND, 50 * MICRO, DAY),
        ModelCap(MeterKind.TOKENS, 900),
        ModelCap(MeterKind.MODEL_CALLS, 7),
    )
    asks = AgentRule(
        id=SUPPORT, purpose="asks models", tools=(), models=("*",), limits=Limits(model=ModelLimits(caps=caps, streams=3))
    )
    return await Desk.open(await World.build(rules=shop_rules(agents=(asks,))))


async def test_what_models_may_use_is_shown_in_money_and_tokens() -> None:
    desk = await a_desk_with_models()
    run = await desk.world.open_run()
    meters = {each["meter"]: each for each in (await desk.api("GET", f"/budget?run={run.run.id}", by="vi")).json["meters"]}
    shown = {name: (each["kind"], each["used"], each["cap"], each["left"]) for name, each in meters.items()}
    assert shown == {
        f"spend:run/{run.run.id}:all": ("spend", "0", "5", "5"),
        "spend:agent/support:all@86400s": ("spend", "0", "50", "50"),
        f"tokens:run/{run.run.id}:all": ("tokens", 0, 900, 900),
        f"model_calls:run/{run.run.id}:all": ("model_calls", 0, 7, 7),
        "streams:agent/support:all": ("streams", 0, 3, 3),
    }


async def test_money_and_tokens_are_raised_by_their_own_names_and_the_history_shows_it() -> None:
    desk = await a_desk_with_models()
    run, other = await desk.world.open_run(), await desk.world.open_run()
    raised = await desk.api("POST", "/budget/raise", {"run": run.run.id, "meter": "spend", "by": "+2.50", "reason": "long"})
    assert raised.status == 200, raised.text
    assert (raised.json["meter"]["cap"], raised.json["meter"]["added"]) == ("7.5", "2.5")
    raised = await desk.api(
        "POST", "/budget/raise", {"run": other.run.id, "meter": "tokens", "by": "100", "reason": "r"}, by="bo"
    )
    assert raised.json["meter"]["cap"] == 1000
    assert (
        await desk.api("POST", "/budget/raise", {"run": run.run.id, "meter": "tokens", "by": "1.5", "reason": "r"})
    ).status == 400
    missing = await desk.api("POST", "/budget/raise", {"run": run.run.id, "meter": "tokens_in", "by": "1", "reason": "r"})
    assert missing.status == 409, missing.text
    shared = {"run": run.run.id, "meter": "spend:agent/support:all@86400s", "by": "1", "reason": "r"}
    assert (await desk.api("POST", "/budget/raise", shared)).status == 409

    answer = await desk.api("GET", "/budget/history", by="vi")
    assert [(each["who"], each["meter"], each["by"], each["reason"]) for each in answer.json["raises"]] == [
        ("operator:bo", f"tokens:run/{other.run.id}:all", "100", "r"),
        ("operator:ada", f"spend:run/{run.run.id}:all", "2.5", "long"),
    ]
    of_run = await desk.api("GET", f"/budget/history?run={run.run.id}&limit=5", by="vi")
    assert [each["run"] for each in of_run.json["raises"]] == [run.run.id]
    assert (await desk.api("GET", "/budget/history?agent=reader", by="vi")).json == {"raises": []}
