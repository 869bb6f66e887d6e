"""SQL in calls of servers' tools is read before they are decided, as every database would read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ringfence.adapters.parsers.sql import SqlglotReader
from ringfence.core.checks.permissions import permissions
from ringfence.core.framing import frame
from ringfence.core.model.agent import Agent
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import AgentId, CallId, Millis, RunId, ServerId, ToolId
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.verdict import Level
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.rules import ToolRule
from ringfence.engine.outcome import Refused, Returned, Waiting
from ringfence.engine.waiting.sql_texts import SqlTexts
from ringfence.ports.sql_reader import NotSql, SqlReader, SqlStatement
from ringfence.testing.acts import a_list
from ringfence.testing.fakes.sql_reader import FakeSqlReader
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

AGENT, RUN = AgentId("coder"), RunId("r1")
ALLOW, ASK, DENY = Level.ALLOW, Level.ASK, Level.DENY
TOOL = build_tool(
    {"name": "query", "inputSchema": {"type": "object"}},
    ToolRule(id=ToolId("pg.query"), server=ServerId("pg"), upstream_name="query"),
    None,
)
DROPS = a_list(deny=["Bash(*DROP TABLE*)"])


async def level(lists: PermissionLists, arguments: dict[str, Any], reader: SqlReader | None = None) -> Level:
    agent = Agent(id=AGENT, purpose="to code", tools=frozenset({TOOL.id}), permissions=lists)
    call = frame(CallId("c"), AGENT, RUN, TOOL, arguments)
    texts = SqlTexts(reader or SqlglotReader())
    assert texts.are_asked_for(agent)
    facts = Facts(now=Millis(0), chain=(), agent=agent, tool=TOOL, sql=await texts.of(call, TOOL))
    return permissions(call, facts).level


@pytest.mark.parametrize(
    "sql",
    [
        "drop table items",
        "drop   table x",
        "DROP/**/TABLE x",
        "select 1; Drop\n Table items",
        'select "it--s"; drop table items',
        "select '\\''; drop table items; -- '",
        "select 1 -- x\n; drop table items",
        "select 1 # x\n; drop table items",
        "select `a'b`; drop table items; select `a'b`",
        "select $$'$$; drop table items; select $$'$$",
        "select 1--'\n', 2; drop table x; select '",
        "select 1--'\n', 2; drop table x; select '', '",
        "select 'a\\'; drop table x; select `",
        "select /* /* */ 1; drop table x; /* */ */",
        'DROP TABLE IF EXISTS "items"',
        'drop table "public"."items"',
        "drop table a, b",
        "with x as (drop table y) select 1",
        "/*!50000 drop table items */",
        "/*!50000 drop*/ table items",
        "begin; drop table items; commit",
        "explain analyze drop table items",
    ],
)
async def test_a_statement_is_found_in_whatever_spelling(sql: str) -> None:
    for name in ("sql", "query", "Statement"):
        assert await level(DROPS, {name: sql}) is DENY
    assert await level(DROPS, {"statements": ["select 1", sql]}) is DENY
    assert await level(DROPS, {"request": {"sql": sql}}) is DENY
    assert await level(DROPS, {"input": sql}) is not ALLOW


@pytest.mark.parametrize(
    "sql",
    [
        "select 'drop table items'",
        'select "drop table items"',
        "select * from `drop table items`",
        "select $$ drop table items $$",
        "select 'it''s; drop table items'",
        "select 1 /* drop table items */",
        "insert into notes values ('drop table items')",
        "select * from table_drops",
        "insert into orders values ('; drop table orders; --')",
        "select 5--3 as drop_table",
        "select count(*) from items where note like '%drop table%' -- drop table",
        "create table drops (a int)",
        "drop view items",
    ],
)
async def test_words_in_texts_names_and_comments_are_no_statement(sql: str) -> None:
    for name in ("sql", "query", "input"):
        assert await level(DROPS, {name: sql}) is ALLOW


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        ("*DELETE FROM users*", "with d as (delete from users where id = 1 returning *) update log set n = 1"),
        ("*UPDATE log*", "with d as (delete from users where id = 1 returning *) update log set n = 1"),
        ("*DROP TABLE items*", "drop table a1, a2, a3, a4, a5, a6, a7, a8, a9, shop.items"),
        ("*DROP TABLE shop.items*", 'drop table "shop"."items"'),
        ("*SELECT * FROM secrets*", "insert into log select * from a join secrets on true"),
        ("*INSERT INTO log*", "insert into log select 1"),
        ("*GRANT ALL*", "grant all on items to eve"),
        ("*ALTER TABLE * DROP COLUMN*", "alter table items drop column price"),
        ("*COPY * TO PROGRAM*", "copy items to program 'sh'"),
        ("*TRUNCATE*", "truncate items"),
    ],
)
async def test_a_rule_holds_for_each_thing_that_a_text_does(rule: str, sql: str) -> None:
    assert await level(a_list(deny=[f"Bash({rule})"]), {"sql": sql}) is DENY
    assert await level(a_list(deny=[f"mcp__pg__query({rule})"]), {"sql": sql}) is DENY


@pytest.mark.parametrize(
    "sql",
    ["do $$ begin execute 'dr' || 'op table x'; end $$", "call tidy_up()", "exec sp_tidy 'x'", "prepare q as select 1", "?!"],
)
async def test_what_nobody_can_read_asks(sql: str) -> None:
    assert await level(DROPS, {"sql": sql}) is ASK


@pytest.mark.parametrize("text", ["/*" * 9_000, "'" * 9_001, "--" * 9_000, "/*!" * 6_000, "(" * 19_000, "a' " * 6_000])
async def test_a_text_that_is_made_to_be_slow_is_read_all_the_same(text: str) -> None:
    assert await level(DROPS, {"sql": text}) is not DENY
    assert await level(DROPS, {"sql": f"drop table x; {text}"}) is DENY


async def test_what_is_too_long_or_too_much_asks() -> None:
    assert await level(DROPS, {"query": "x " * 20_000}) is ASK
    assert await level(DROPS, {"sql": "select 1" + " + 1" * 10_000}) is ASK
    assert await level(DROPS, {"queries": ["select 1"] * 30}) is ASK
    assert await level(DROPS, {"queries": ["select 1"] * 30 + ["drop table x"]}) is DENY


async def test_a_search_is_no_statement() -> None:
    for said in ("how to drop a table", "postgres docs", "customers from Berlin"):
        assert await level(DROPS, {"query": said}) is ALLOW


async def test_words_for_people_that_read_as_a_statement_ask() -> None:
    assert await level(DROPS, {"title": "Drop table support"}) is ASK
    assert await level(DROPS, {"title": "Update the docs please", "body": "We drop table support in March."}) is ALLOW


class Counting(FakeSqlReader):
    """Counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def statements(self, text: str, dialect: str) -> Sequence[SqlStatement] | NotSql:
        self.asked.append(text)
        return await super().statements(text, dialect)


async def world_of(reader: SqlReader, lists: PermissionLists | None) -> World:
    rules = shop_rules()
    support = replace(rules.agents[SUPPORT], permissions=lists)
    return await World.build(rules=replace(rules, agents={**rules.agents, SUPPORT: support}), sql=reader)


@pytest.mark.parametrize("lists", [None, a_list(deny=["Bash(rm *)"]), a_list(allow=["Bash(*SELECT *)"])])
async def test_nobody_reads_where_no_rule_speaks_of_statements(lists: PermissionLists | None) -> None:
    reader = Counting()
    world = await world_of(reader, lists)
    opened = await world.open_run()
    assert isinstance(await world.call(opened, "orders__get", {"order": "DROP TABLE items"}), Returned)
    assert reader.asked == []


async def test_a_call_is_refused_or_waits_by_what_its_sql_does() -> None:
    reader = Counting()
    world = await world_of(reader, a_list(deny=["Bash(*DROP TABLE*)"], ask=["mcp__orders__note(*DELETE FROM*)"]))
    opened = await world.open_run()
    assert isinstance(await world.call(opened, "orders__get", {"order": "SELECT 1"}), Returned)
    assert isinstance(await world.call(opened, "orders__get", {"order": "A1"}), Returned)
    assert reader.asked == ["SELECT 1"]
    # No argument of this tool is SQL by its name, so a person looks.
    outcome = await world.call(opened, "orders__get", {"order": "DROP TABLE items"})
    assert isinstance(outcome, Waiting)


async def test_who_is_stopped_has_nothing_read() -> None:
    reader = Counting()
    world = await world_of(reader, DROPS)
    opened = await world.open_run()
    await world.stops.stop(StopMode.KILL, Scope(ScopeKind.RUN, opened.run.id), reason="enough", by="operator:ada")
    assert isinstance(await world.call(opened, "orders__get", {"order": "SELECT 1"}), Refused)
    assert reader.asked == []


async def test_a_stop_while_it_is_read_counts() -> None:
    class Stopping(FakeSqlReader):
        async def statements(self, text: str, dialect: str) -> Sequence[SqlStatement] | NotSql:
            await world.stops.stop(StopMode.KILL, Scope(ScopeKind.RUN, opened.run.id), reason="enough", by="operator:ada")
            return await super().statements(text, dialect)

    world = await world_of(Stopping(), DROPS)
    opened = await world.open_run()
    assert isinstance(await world.call(opened, "orders__get", {"order": "SELECT 1"}), Refused)
