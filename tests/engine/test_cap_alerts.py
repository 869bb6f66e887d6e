"""What people hear of caps, each once: steps, what the next request would need, the pace, refusals; and when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.engine.test_metered_tree import MODEL_RULES, a_body, ask

from ringfence.core.model.agent import Limits
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.limits import MICRO, SumCap, ToolLimits
from ringfence.core.model.meter import Charge, Meter, MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.alerting.nearing import tightest
from ringfence.engine.ids import Ids
from ringfence.engine.outcome import Refused, Returned
from ringfence.engine.people.budgets import Raised
from ringfence.engine.runs.runs import Opened
from ringfence.engine.stopping.stops import Stopped
from ringfence.ports.notifier import Act, Alert, AlertKind, Deed
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.fakes.notifier import FakeNotifier
from ringfence.testing.scenario import REFUND, SUPPORT, shop_rules, tool_rule
from ringfence.testing.world import World

MINUTE = 60_000
DAY = 86_400_000
PAY_SMALL = replace(REFUND, reversible=True, costs_money=False)


def told(world: World) -> list[str]:
    return [alert.text for alert in world.notifier.of(AlertKind.CAP_NEAR)]


def asking(*caps: ModelCap, shrinks: bool = False, **more: Any) -> Rules:
    limits = Limits(model=ModelLimits(caps=caps, shrinks=shrinks), **more)
    asks = AgentRule(id=SUPPORT, purpose="asks models", tools=(), models=("*",), limits=limits)
    return replace(shop_rules(agents=(asks,)), models=MODEL_RULES)


async def metered(*caps: ModelCap, part: int = 1, **more: Any) -> World:
    """A world whose model answers with a part of `max_tokens`, in tokens out."""

    def usage(asked: Mapping[str, Any]) -> Mapping[str, int]:
        return {"input_tokens": 1, "output_tokens": asked["max_tokens"] // part}

    return await World.build(rules=asking(*caps, **more), models={"vendor": FakeModel(usage)})


async def use(world: World, run: Opened, tokens: int) -> None:
    assert isinstance((await ask(world, run, a_body(tokens))).outcome, Returned)


async def test_a_step_says_what_can_be_done_about_it() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=2)))
    opened = await world.open_run()
    await world.call(opened, "orders__get", {"order": "A"})
    (alert,) = world.notifier.of(AlertKind.CAP_NEAR)
    run = opened.run.id
    assert alert.acts == (
        Act(Deed.RAISE, f"/runs/{run}", f"ringfence budget raise {run} --calls +N --reason WHY"),
        Act(Deed.KILL, f"/runs/{run}", f"ringfence kill run {run}"),
    )


async def test_a_cap_of_a_window_is_changed_in_the_configuration_so_nothing_offers_to_raise_it() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 1000, DAY))
    await use(world, await world.open_run(), 500)
    (alert,) = world.notifier.of(AlertKind.CAP_NEAR)
    assert [act.deed for act in alert.acts] == [Deed.KILL]
    assert not alert.is_grave


async def test_of_the_cap_of_a_run_above_people_are_led_to_that_run() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 1000))
    root = await world.open_run()
    child = await world.open_run(parent=root.run)
    await use(world, child, 500)
    by_meter = {alert.text.split(": ")[1].split(" ")[0]: alert for alert in world.notifier.of(AlertKind.CAP_NEAR)}
    above = by_meter[f"tokens_out:run/{root.run.id}:all"]
    assert above.run == child.run.id
    assert [act.command for act in above.acts] == [
        f"ringfence budget raise {root.run.id} --tokens-out +N --reason WHY",
        f"ringfence kill run {root.run.id}",
    ]


async def test_a_fan_out_is_told_of_where_all_of_it_counts_and_not_once_for_each_child() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 1000), calls_per_run=3, wall_clock_s=600)
    root = await world.open_run()
    children = [await world.open_run(parent=root.run) for _ in range(20)]
    world.clock.advance(400_000)
    for child in children:
        await ask(world, child, a_body(60))
    for child in children[:3]:
        assert isinstance((await ask(world, child, a_body(500))).outcome, Refused)
    run = f"run/{root.run.id}:all"
    assert sorted(told(world)) == [
        f"50 % of a cap: tokens_out:{run} has used 540 of 1000",
        f"50 % of a cap: wall_clock:{run} is 400 of 600 s",
        f"80 % of a cap: tokens_out:{run} has used 840 of 1000",
        f"a cap does not bear what agent support asks of models: tokens_out:{run} of 1000",
        f"what is left is less than the last request held (60): tokens_out:{run} has used 960 of 1000",
    ]


async def test_a_child_with_a_tighter_cap_is_told_of_besides() -> None:
    charges = [Charge(f"spend:run/{run}:all", MeterKind.SPEND, cap) for run, cap in (("c", 5), ("b", 10), ("a", 10))]
    assert [charge.meter for charge, _ in tightest(charges, [None] * 3)] == ["spend:run/a:all", "spend:run/c:all"]
    raised = [None, None, Meter(MeterKind.SPEND, extra=1)]
    assert [charge.meter[10] for charge, _ in tightest(charges, raised)] == ["a", "b", "c"]
    other = Charge("tokens:run/c:all", MeterKind.TOKENS, 99)
    assert [charge.meter for charge, _ in tightest([other, *charges], [None] * 4)][-1] == "tokens:run/c:all"


async def test_what_is_held_passes_no_step_and_what_is_spent_does() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 1000), part=10)
    run = await world.open_run()
    await use(world, run, 900)
    for _ in range(8):
        await use(world, run, 500)
    assert told(world) == []  # 490 of 1000, whatever was held on the way
    await use(world, run, 100)
    assert told(world) == [f"50 % of a cap: tokens_out:run/{run.run.id}:all has used 500 of 1000"]


async def test_people_hear_that_the_like_of_a_request_would_not_fit_before_one_is_refused_and_once() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 1000), part=10)
    run = await world.open_run()
    meter = f"tokens_out:run/{run.run.id}:all"
    await use(world, run, 900)
    assert told(world) == []
    await use(world, run, 900)  # 180 spent: 820 are left
    assert told(world) == [f"what is left is less than the last request held (900): {meter} has used 180 of 1000"]
    assert isinstance((await ask(world, run, a_body(900))).outcome, Refused)
    assert isinstance((await ask(world, run, a_body(900))).outcome, Refused)
    await use(world, run, 820)
    assert told(world)[1:] == [f"a cap does not bear what agent support asks of models: {meter} of 1000"]


async def test_a_cap_that_ends_soon_at_the_present_pace_is_told_of_once_long_before_its_steps() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 10_000))
    run = await world.open_run()
    meter = f"tokens_out:run/{run.run.id}:all"
    for _ in range(9):
        await use(world, run, 250)
        world.clock.advance(MINUTE)
    # Seven minutes held 2,000, so 8,000 last 28 more.
    assert told(world) == [f"a cap ends in about 28 min at the present pace: {meter} has used 2000 of 10000"]
    for _ in range(5):
        await use(world, run, 250)
        world.clock.advance(MINUTE)
    assert len(told(world)) == 1


async def test_a_calm_pace_is_no_news() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 10_000))
    run = await world.open_run()
    for _ in range(48):
        await use(world, run, 100)
        world.clock.advance(MINUTE)
    assert told(world) == []


async def test_a_pace_that_is_switched_off_is_not_told() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 10_000))
    world.catalogue.replace(replace(world.catalogue.rules, burn_within_ms=0), world.catalogue.upstreams)
    await world.catalogue.ensure_listed()
    run = await world.open_run()
    for _ in range(15):
        await use(world, run, 250)
        world.clock.advance(MINUTE)
    assert told(world) == []


async def test_a_window_that_frees_as_fast_as_it_fills_never_ends() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 10_000, 2 * 60 * MINUTE))
    run = await world.open_run()
    for _ in range(300):
        await use(world, run, 40)
        world.clock.advance(MINUTE)
    # Two hours hold 4,800 at most, and five minutes more while a part of the window has not left yet.
    assert [text for text in told(world) if "pace" in text] == []


async def test_a_window_shorter_than_the_look_ahead_has_no_pace() -> None:
    world = await metered(ModelCap(MeterKind.MODEL_CALLS, 10, 10 * MINUTE))
    run = await world.open_run()
    for _ in range(30):
        await use(world, run, 10)
        world.clock.advance(2 * MINUTE)
    assert [text for text in told(world) if "pace" in text] == []


async def test_the_wall_clock_has_steps_and_a_restart_repeats_none() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(wall_clock_s=600)))
    run = await world.open_run()
    meter = f"wall_clock:run/{run.run.id}:all"
    for _ in range(5):
        world.clock.advance(100_000)
        await world.call(run, "orders__get", {"order": "A"})
        await world.call(run, "orders__get", {"order": "B"})
    assert told(world) == [f"50 % of a cap: {meter} is 300 of 600 s", f"80 % of a cap: {meter} is 500 of 600 s"]
    after_restart = FakeNotifier()
    again = Alerts(after_restart, Ids(FakeEntropy()), world.clock)
    world.clock.advance(50_000)
    link = Link(run.run, 0, Limits(wall_clock_s=600))
    again.caps.reserved(Facts(now=world.clock.now(), chain=(link,), agent=None, tool=None), world.catalogue.rules)
    assert after_restart.alerts == []
    world.clock.advance(50_000)
    for _ in range(2):
        assert isinstance(await world.call(run, "orders__get", {"order": "A"}), Refused)
    assert told(world)[2:] == [f"a cap does not bear what agent support asks for: {meter} of 600"]


async def test_pauses_that_do_not_count_pass_no_step_of_the_wall_clock() -> None:
    world = await World.build()
    run = (await world.open_run()).run
    world.clock.advance(400_000)
    for paused, count in ((300_000, 0), (90_000, 1)):
        link = Link(run, 0, Limits(wall_clock_s=600), paused_ms=paused)
        facts = Facts(now=world.clock.now(), chain=(link,), agent=None, tool=None)
        world.alerts.caps.reserved(facts, world.catalogue.rules)
        assert len(told(world)) == count


async def test_a_refusal_for_a_sum_is_told_once_and_not_after_its_last_step() -> None:
    limits = ToolLimits(sums=(SumCap(pointer="/amount", cap=100 * MICRO),))
    world = await World.build(rules=shop_rules(tools=(tool_rule("payments.refund", PAY_SMALL, limits=limits),)))
    run = await world.open_run()

    async def refund(amount: int) -> object:
        return await world.call(run, "payments__refund", {"order": "A", "amount": amount})

    await refund(40)
    for amount in (61, 70):
        assert isinstance(await refund(amount), Refused)
    meter = f"sum:run/{run.run.id}:payments.refund/amount"
    assert told(world) == [f"a cap does not bear what agent support asks for: {meter} of 100"]
    await refund(60)
    assert isinstance(await refund(1), Refused)
    assert told(world)[1:] == [f"100 % of a cap: {meter} has used 100 of 100"]
    assert [alert.is_grave for alert in world.notifier.of(AlertKind.CAP_NEAR)] == [True, True]


async def test_what_passes_by_itself_is_told_to_nobody() -> None:
    world = await metered(ModelCap(MeterKind.TOKENS_OUT, 1000))
    run = await world.open_run()
    world.catalogue.replace(
        replace(world.catalogue.rules, agents={SUPPORT: replace(world.catalogue.rules.agents[SUPPORT],
                limits=Limits(model=ModelLimits(streams=0)))}),
        world.catalogue.upstreams,
    )  # fmt: skip
    await world.catalogue.ensure_listed()
    assert isinstance((await ask(world, run, a_body(1))).outcome, Refused)
    assert told(world) == []


async def test_child_runs_and_the_tree_have_steps() -> None:
    rules = shop_rules()
    support = replace(rules.agents[SUPPORT], delegate=SpawnCaps(depth=3, children=4, tree=10))
    world = await World.build(rules=replace(rules, agents={**rules.agents, SUPPORT: support}))
    root = await world.open_run()
    for _ in range(4):
        await world.open_run(parent=root.run)
    children, tree = f"children:run/{root.run.id}:all", f"tree:run/{root.run.id}:all"
    assert told(world) == [
        f"50 % of a cap: {children} has used 2 of 4",
        f"100 % of a cap: {children} has used 4 of 4",
        f"50 % of a cap: {tree} has used 5 of 10",
    ]


async def test_a_raised_cap_is_over_and_its_steps_are_news_again() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=2)))
    run = await world.open_run()
    for order in "AB":
        await world.call(run, "orders__get", {"order": order})
    first = world.notifier.of(AlertKind.CAP_NEAR)
    ada = await world.operator("ada")
    assert isinstance(await world.budgets.raise_cap(run.run.id, "calls", 2, operator=ada, reason="more"), Raised)
    assert [end.condition for end in world.notifier.ends()] == [alert.condition for alert in first]
    assert {end.text for end in world.notifier.ends()} == {f"calls:run/{run.run.id}:all: the cap was raised"}
    for order in "CD":
        await world.call(run, "orders__get", {"order": order})
    assert [text.split(" of a cap")[0] for text in told(world)] == ["50 %", "100 %", "100 %"]
    assert len({alert.id for alert in world.notifier.of(AlertKind.CAP_NEAR)}) == 3


async def test_with_its_run_all_that_was_told_of_its_caps_is_over() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=2)))
    run, other = await world.open_run(), await world.open_run()
    for each in (run, other):
        await world.call(each, "orders__get", {"order": "A"})
    await world.runs.close(run.run.id, by="operator:ada", why="done")
    (end,) = world.notifier.ends()
    assert str(run.run.id) in end.condition
    await world.runs.close(other.run.id, by="operator:ada", why="done")
    assert len(world.notifier.ends()) == 2


def _pairs(world: World, kind: AlertKind) -> list[tuple[bool, str]]:
    return [(alert.is_over, alert.condition) for alert in world.notifier.alerts if alert.kind is kind]


@pytest.mark.parametrize("how", ["approve", "deny", "expire", "withdraw"])
async def test_an_approval_is_over_when_nobody_has_to_decide_it_any_more(how: str) -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    match how:
        case "approve":
            await world.approve(ticket)
        case "deny":
            await world.deny(ticket)
        case "expire":
            world.clock.advance(ticket.expires_at - world.clock.now())
            await world.approvals.expire()
        case _:
            await world.runs.close(run.run.id, by="operator:ada", why="done")
            await world.approvals.withdraw_run(run.run.id, "the run was closed", "operator:ada")
    condition = f"approval_waiting:{ticket.id}"
    assert _pairs(world, AlertKind.APPROVAL_WAITING) == [(False, condition), (True, condition)]


async def test_an_approved_call_is_not_over_twice_when_it_is_made() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    await world.approve(ticket)
    assert isinstance(await world.claim(run, ticket), Returned)
    assert len(world.notifier.ends()) == 1


async def test_a_pause_is_over_when_it_is_lifted() -> None:
    world = await World.build()
    ada = await world.operator("ada")
    stopped = await world.stops.stop(StopMode.PAUSE, Scope(ScopeKind.EVERYTHING), reason="look", by="operator:ada")
    assert isinstance(stopped, Stopped)
    await world.stops.lift(stopped.stop.id, ada, reason="", confirmed=False)
    condition = f"kill:{stopped.stop.id}"
    assert _pairs(world, AlertKind.KILL) == [(False, condition), (True, condition)]
    assert [end.text for end in world.notifier.ends()] == ["pause of everything was lifted by operator:ada"]


def test_a_configuration_that_was_refused_is_over_with_the_next_good_one_and_only_then() -> None:
    notifier = FakeNotifier()
    alerts = Alerts(notifier, Ids(FakeEntropy()), FakeClock())
    alerts.config_accepted()
    alerts.config_rejected("line 3")
    alerts.config_rejected("line 4")
    alerts.config_accepted()
    alerts.config_accepted()
    assert [(alert.is_over, alert.condition) for alert in notifier.alerts] == [
        (False, "config_rejected:now"),
        (False, "config_rejected:now"),
        (True, "config_rejected:now"),
    ]
    assert len({alert.id for alert in notifier.alerts}) == 3


async def test_a_trial_names_who_asked_and_no_secret() -> None:
    world = await World.build()
    (tried,) = await world.alerts.trial("operator:ada")
    assert tried.arrived
    (alert,) = world.notifier.of(AlertKind.TEST)
    assert isinstance(alert, Alert)
    assert "operator:ada" in alert.text


async def test_an_agent_that_tries_for_ever_is_told_of_once_an_hour() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    await world.deny(ticket)
    for _ in range(5):
        assert isinstance(await world.call(run, "payments__refund", {"order": "A1", "amount": 25, "no": "such"}), Refused)
    ids = {alert.id for alert in world.notifier.of(AlertKind.LARGE_ACTION_BLOCKED)}
    assert len(ids) == 1
    world.clock.advance(3_600_000)
    other = await world.open_run()
    for each in (other, other):
        assert isinstance(await world.call(each, "payments__refund", {"order": "A1", "amount": 25, "no": "such"}), Refused)
    assert len({alert.id for alert in world.notifier.of(AlertKind.LARGE_ACTION_BLOCKED)}) == 2
