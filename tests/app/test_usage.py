"""What models were used for: by agent, team, tree, model and day, from the log."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.app.cli_kit import Office, office
from tests.app.control_kit import Desk
from tests.engine.test_metered_tree import a_body, ask, priced, rules_for

from ringfence.app.cli.usage import ROWS
from ringfence.app.control.usage_rows import By, roots_of, usage_rows
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits
from ringfence.core.rules import Rules
from ringfence.core.shortfall import as_amount
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.scenario import READER, SUPPORT
from ringfence.testing.world import World


def usage_of(asked: Mapping[str, Any]) -> Mapping[str, int]:
    return {"input_tokens": 100, "output_tokens": asked["max_tokens"]}


def in_a_team() -> Rules:
    rules = rules_for(ModelCap(MeterKind.SPEND, 10**9))
    support = replace(rules.agents[SUPPORT], team="care")
    reader = replace(support, id=READER, team="")
    return replace(rules, agents={SUPPORT: support, READER: reader}, teams={"care": ModelLimits()})


async def a_desk() -> Desk:
    return await Desk.open(await World.build(rules=in_a_team(), models={"vendor": FakeModel(usage_of)}))


def cost_of(*answers: int) -> str:
    return as_amount(sum(priced({"input_tokens": 100, "output_tokens": each}) for each in answers))


async def test_it_is_added_up_by_agent_team_tree_run_model_and_day() -> None:
    desk = await a_desk()
    world = desk.world
    root, alone = await world.open_run(), await world.open_run("reader")
    child = await world.open_run(parent=root.run)
    await ask(world, root, a_body(500))
    await ask(world, child, a_body(300))
    await ask(world, alone, a_body(100))

    async def rows(query: str) -> list[tuple[str, int, str]]:
        answer = await desk.api("GET", f"/usage?{query}", by="vi")
        assert answer.status == 200, answer.text
        return [(row["of"], row["requests"], row["spend"]) for row in answer.json["rows"]]

    both, one = cost_of(500, 300), cost_of(100)
    assert await rows("") == [("support", 2, both), ("reader", 1, one)]
    assert await rows("by=team") == [("care", 2, both), ("(none)", 1, one)]
    assert await rows("by=tree") == [(root.run.id, 2, both), (alone.run.id, 1, one)]
    assert await rows("by=run&agent=support") == [(root.run.id, 1, cost_of(500)), (child.run.id, 1, cost_of(300))]
    assert await rows(f"by=run&run={root.run.id}") == [(root.run.id, 1, cost_of(500)), (child.run.id, 1, cost_of(300))]
    assert await rows("by=model") == [("claude-sonnet-4-5", 3, cost_of(500, 300, 100))]
    assert await rows("by=upstream") == [("vendor", 3, cost_of(500, 300, 100))]
    assert await rows("by=day") == [("2027-01-15", 3, cost_of(500, 300, 100))]
    assert await rows("to=2027-01-15T00:00:00Z") == []
    assert await rows("from=2027-01-16T00:00:00Z") == []
    answer = (await desk.api("GET", "/usage", by="vi")).json
    assert answer["complete"] is True
    total = sum(priced({"input_tokens": 100, "output_tokens": each}) for each in (500, 300, 100))
    assert answer["total"] == {
        "of": "total", "requests": 3, "under_way": 0, "at_most": 0, "tokens_in": 300, "tokens_out": 900,
        "spend": as_amount(total), "tasks": 2, "spend_per_task": as_amount(-(-total // 2)),
    }  # fmt: skip
    assert (await desk.api("GET", "/usage?by=colour", by="vi")).status == 400


def an_entry(kind: str, decision: str, call: str, **body: Any) -> dict[str, Any]:
    return {"kind": kind, "decision": decision, "call": call, "run": "r1", "agent": "support", "at": 1000, "body": body}


MOST = {"act": "messages", "model": "m", "most": {"micro": 50, "tokens_in": 40, "tokens_out": 2}}


def test_what_nobody_knows_counts_at_its_most_and_what_was_not_sent_at_nothing() -> None:
    entries = [
        an_entry("decision", "allow", "lost", arguments=MOST),
        an_entry("outcome", "ambiguous", "lost", why="the gateway ended"),
        an_entry("decision", "allow", "unsent", arguments=MOST),
        an_entry("outcome", "failed_not_sent", "unsent"),
        an_entry("decision", "deny", "refused", arguments=MOST),
        an_entry("decision", "allow", "open", arguments=MOST),
        an_entry("decision", "allow", "counted", arguments=MOST | {"act": "count_tokens"}),
        an_entry("outcome", "returned", "counted", model={"micro": 0, "tokens_in": 0, "tokens_out": 0}),
        an_entry("decision", "allow", "dropped"),
        an_entry("outcome", "returned", "dropped"),
    ]
    (row,) = usage_rows(entries, By.AGENT, {}, {})
    assert (row.requests, row.at_most, row.under_way, row.micro, row.tokens_in, row.tokens_out) == (3, 2, 1, 50, 40, 2)
    assert {row.of for row in usage_rows(entries, By.MODEL, {}, {})} == {"m", "(unknown)"}


def test_the_command_knows_every_kind_of_row() -> None:
    assert tuple(ROWS) == tuple(by.value for by in By)


def test_a_tree_is_named_by_its_root() -> None:
    opened = [
        {"run": "root", "body": {}},
        {"run": "child", "body": {"parent": "root"}},
        {"run": "grandchild", "body": {"parent": "child"}},
    ]
    assert roots_of(opened) == {"child": "root", "grandchild": "root"}


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        yield opened


def test_it_is_shown_as_a_table_as_json_and_for_spreadsheets(at: Office) -> None:
    said = at("usage", "--by", "model", "--json").json
    assert (said["rows"], said["total"]["requests"]) == ([], 0)
    assert "total" in at("usage").out
    lines = list(csv.reader(at("usage", "--by", "day", "--csv").out.splitlines()))
    assert lines[0][:3] == ["of", "requests", "tokens_in"]
    assert at("usage", "--by", "colour").code == 2
    assert at("usage", "--csv", "--json").code == 2
