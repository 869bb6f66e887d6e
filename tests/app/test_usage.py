"""What models were used for: by agent, team, tree, model and day, from the log."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.app.cli_kit import Office, office
from tests.app.control_kit import Desk
from tests.engine.test_metered_tree import a_body, ask, priced, rules_for

from ringfence.app.cli.usage import ROWS, told
from ringfence.app.control import usage as usage_route
from ringfence.app.control.usage_rows import By, Roots, model_rows
from ringfence.app.control.usage_tools import MOST_ROWS, OTHERS, ToolUsage, tool_rows
from ringfence.core.ledger.shortfall import as_amount
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits
from ringfence.core.rules import Rules
from ringfence.ports.upstream import Answered
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.scenario import ORDERS, READER, SUPPORT, shop_rules
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
    (row,) = model_rows(entries, By.AGENT, Roots(), {})
    counted = [row[name] for name in ("requests", "at_most", "under_way", "spend", "tokens_in", "tokens_out")]
    assert counted == [3, 2, 1, "0.00005", 40, 2]
    assert {row["of"] for row in model_rows(entries, By.MODEL, Roots(), {})} == {"m", "(unknown)"}


def test_the_command_knows_every_kind_of_row() -> None:
    assert tuple(ROWS) == tuple(by.value for by in By)


def test_a_tree_is_named_by_its_root() -> None:
    roots = Roots()
    for run, parent in (("root", None), ("child", "root"), ("grandchild", "child")):
        roots.add({"kind": "run", "run": run, "body": {"parent": parent} if parent else {}})
    assert [roots.of(run) for run in ("root", "child", "grandchild", "never opened")] == [
        "root",
        "root",
        "root",
        "never opened",
    ]


def test_what_is_read_is_not_kept_but_for_what_is_under_way() -> None:
    usage = ToolUsage({})
    for number in range(3 * MOST_ROWS):
        usage.add(an_entry("decision", "allow", f"c{number}", arguments=MOST) | {"tool": "model.messages"})
        uses = [{"name": f"made-up-{number}"}]
        usage.add(
            an_entry("outcome", "returned", f"c{number}", model={"micro": 1, "tool_uses": uses}) | {"tool": "model.messages"}
        )
    assert usage.is_settled
    rows = {row["of"]: row for row in usage.rows()}
    assert len(rows) == MOST_ROWS + 1
    assert rows[OTHERS]["uses"] == 2 * MOST_ROWS
    assert usage.total()["uses"] == 3 * MOST_ROWS


def test_a_request_that_asks_for_two_tools_is_counted_whole_at_both_and_once_in_the_total() -> None:
    names = {"orders__get": "orders.get"}
    uses = [{"name": "mcp__ringfence__orders__get"}, {"name": "orders__get"}, {"name": "Read"}]
    entries = [
        an_entry("decision", "allow", "one", arguments=MOST) | {"tool": "model.messages"},
        an_entry("outcome", "returned", "one", model={"micro": 7_000_000, "tool_uses": uses}) | {"tool": "model.messages"},
    ]
    usage = ToolUsage(names)
    for entry in entries:
        usage.add(entry)
    rows = {row["of"]: (row["uses"], row["requests"], row["spend"], row["calls"]) for row in usage.rows()}
    assert rows == {"orders.get": (2, 1, "7", 0), "Read": (1, 1, "7", 0)}
    total = usage.total()
    assert (total["uses"], total["requests"], total["spend"]) == (3, 1, "7")


def test_a_wait_ends_with_the_vote_that_decides_and_not_when_the_approval_goes_stale() -> None:
    def of(kind: str, decision: str, at: int, **body: Any) -> dict[str, Any]:
        return an_entry(kind, decision, "c", **body) | {"tool": "payments.refund", "at": at}

    asked = of("decision", "ask", 1000, ticket="t")
    again = of("decision", "ask", 2000, ticket="t")
    first, second = of("approval", "approved", 4000, ticket="t"), of("approval", "approved", 6000, ticket="t")
    stale = of("approval", "expired", 9000, ticket="t")
    (row,) = tool_rows([asked, again, first, second, stale], {})
    assert (row["calls"], row["asked"], row["waited_s"]) == (2, 2, 5.0)
    (row,) = tool_rows([asked, of("approval", "withdrawn", 8000, ticket="t")], {})
    assert row["waited_s"] == 7.0


async def test_tools_have_what_came_of_their_calls_and_what_models_asked_for() -> None:
    desk = await a_desk()
    world = desk.world
    opened, reader = await world.open_run(), await world.open_run("reader")
    world.upstreams[ORDERS].replies["get"] = Answered({"content": [], "isError": True})
    world.catalogue.replace(shop_rules(), world.upstreams)
    await world.call(opened, "orders__get", {"order": "A1"})
    await world.call(opened, "orders__note", {"order": "A1", "text": "t"})
    await world.call(reader, "orders__note", {"order": "A1", "text": "t"})
    ticket = await world.ask(opened)
    world.clock.advance(3000)
    await world.approve(ticket)
    await world.claim(opened, ticket)
    answer = (await desk.api("GET", "/usage?by=tool", by="vi")).json
    rows = {row["of"]: row for row in answer["rows"]}
    assert (rows["orders.get"]["failed"], rows["orders.get"]["returned"]) == (1, 0)
    assert (rows["orders.note"]["calls"], rows["orders.note"]["returned"], rows["orders.note"]["denied"]) == (2, 1, 1)
    refund = rows["payments.refund"]
    assert (refund["asked"], refund["allowed"], refund["returned"], refund["waited_s"]) == (1, 1, 1, 3.0)
    assert (answer["total"]["calls"], answer["total"]["under_way"]) == (5, 0)
    narrowed = (await desk.api("GET", "/usage?by=tool&agent=reader", by="vi")).json
    assert [row["of"] for row in narrowed["rows"]] == ["orders.note"]


async def test_lines_say_how_far_it_has_come_and_end_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_route, "TOLD_EACH", 2)
    desk = await a_desk()
    world = desk.world
    opened = await world.open_run()
    for tokens in (500, 300, 100):
        await ask(world, opened, a_body(tokens))
    answer = await desk.api("GET", "/usage/lines?by=model", by="vi")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[-1] == (await desk.api("GET", "/usage?by=model", by="vi")).json
    assert [line["entries"] for line in lines[:-1]] == [2, 4, 6]
    assert all(line["at"] < line["of"] for line in lines[:-1])


def test_a_person_at_a_terminal_is_told_how_far_it_has_come_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: list[dict[str, Any]] = [{"entries": 5000, "at": 7000, "of": 9000}, {"rows": []}]
    assert list(told(answers, quiet=False)) == answers
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(told(answers, quiet=False)) == answers
    assert "5,000 entries read, at 7,000 of 9,000" in capsys.readouterr().err
    assert list(told(answers, quiet=True)) == answers
    assert capsys.readouterr().err == ""


async def test_one_answer_says_when_the_log_holds_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_route, "MOST_ENTRIES", 4)
    desk = await a_desk()
    opened = await desk.world.open_run()
    for tokens in (500, 300, 100):
        await ask(desk.world, opened, a_body(tokens))
    assert (await desk.api("GET", "/usage", by="vi")).json["complete"] is False


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        yield opened


def test_it_is_shown_as_a_table_as_json_and_for_spreadsheets(at: Office) -> None:
    said = at("usage", "--by", "model", "--json").json
    assert (said["rows"], said["total"]["requests"]) == ([], 0)
    assert "total" in at("usage").out
    tools = list(csv.reader(at("usage", "--by", "tool", "--csv").out.splitlines()))
    assert tools[0][:2] == ["of", "calls"]
    assert "waited s" in " ".join(at("usage", "--by", "tool").out.split())
    lines = list(csv.reader(at("usage", "--by", "day", "--csv").out.splitlines()))
    assert lines[0][:3] == ["of", "requests", "tokens_in"]
    assert at("usage", "--by", "colour").code == 2
    assert at("usage", "--csv", "--json").code == 2
