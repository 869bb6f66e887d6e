"""SQL in the arguments of servers' tools: which texts are it, and what rules about statements make of them."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.core.checks.permissions import permissions
from ringfence.core.framing import frame
from ringfence.core.model.agent import Agent
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import AgentId, CallId, Millis, RunId, ServerId, ToolId
from ringfence.core.model.permissions import Listed, PermissionLists, Speaks
from ringfence.core.model.profile import Authority, Role
from ringfence.core.model.sql import SqlText
from ringfence.core.model.verdict import Level
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.permissions.reading import Fault, Read, read_rule
from ringfence.core.permissions.sql_texts import speak_of_sql, sql_candidates
from ringfence.core.rules import ToolRule
from ringfence.testing.acts import a_list

AGENT, RUN = AgentId("coder"), RunId("r1")
ALLOW, ASK, DENY = Level.ALLOW, Level.ASK, Level.DENY
TOOL = build_tool(
    {"name": "query", "inputSchema": {"type": "object"}},
    ToolRule(id=ToolId("pg.query"), server=ServerId("pg"), upstream_name="query"),
    None,
)


def level(lists: PermissionLists, *sql: SqlText, arguments: dict[str, Any] | None = None) -> Level:
    agent = Agent(id=AGENT, purpose="to code", tools=frozenset({TOOL.id}), permissions=lists)
    facts = Facts(now=Millis(0), chain=(), agent=agent, tool=TOOL, sql=sql)
    return permissions(frame(CallId("c"), AGENT, RUN, TOOL, arguments or {}), facts).level


DROPS = SqlText(argument="sql", statements=("DROP TABLE items",), words=("drop table items",))
READS = SqlText(argument="sql", statements=("SELECT items",), words=("select * from items where note = ''",))


@pytest.mark.parametrize(
    "rule", ["Bash(*DROP TABLE*)", "mcp__pg__query(*DROP TABLE*)", "mcp__pg(*DROP TABLE*)", "mcp__pg__query(sql:*DROP TABLE*)"]
)
def test_a_rule_about_statements_holds_for_tools_of_servers(rule: str) -> None:
    assert level(a_list(deny=[rule]), DROPS) is DENY
    assert level(a_list(ask=[rule]), DROPS) is ASK
    assert level(a_list(deny=[rule]), READS) is ALLOW
    assert level(a_list(deny=[rule]), READS, DROPS) is DENY


@pytest.mark.parametrize("rule", ["mcp__other__query(*DROP TABLE*)", "mcp__pg__query(other:*DROP TABLE*)", "Bash(*DROP VIEW*)"])
def test_it_holds_for_what_it_names(rule: str) -> None:
    assert level(a_list(deny=[rule]), DROPS) is ALLOW


def test_a_text_with_the_words_is_no_statement() -> None:
    said = {"sql": "select 'DROP TABLE items'"}
    text = SqlText(argument="sql", statements=("SELECT",), words=("select ''",))
    for rule in ("Bash(*DROP TABLE*)", "mcp__pg__query(sql:*DROP TABLE*)"):
        assert level(a_list(deny=[rule]), text, arguments=said) is ALLOW


def test_details_of_a_statement_are_held_against_its_words() -> None:
    text = SqlText(argument="sql", statements=("ALTER TABLE items",), words=("alter table items drop column price",))
    assert level(a_list(deny=["Bash(*DROP COLUMN*)"]), text) is DENY
    assert level(a_list(deny=["Bash(*ALTER TABLE * DROP *)"]), text) is DENY
    assert level(a_list(deny=["Bash(*ALTER TABLE * ADD *)"]), text) is ALLOW


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("Bash(*DELETE *)", "create table a ( b int references c ( d ) on delete cascade )"),
        ("Bash(*UPDATE *)", "select * from a for update"),
    ],
)
def test_a_verb_in_a_clause_is_no_statement(rule: str, words: str) -> None:
    assert level(a_list(deny=[rule]), SqlText(argument="sql", words=(words,))) is ALLOW


def test_what_nobody_can_read_asks_and_is_never_lifted_by_that() -> None:
    lost = SqlText(argument="sql", unread="too long", is_doubtful=True, text="call p()")
    assert level(a_list(deny=["Bash(*DROP TABLE*)"]), lost) is ASK
    assert level(a_list(ask=["Bash(*DROP TABLE*)"]), lost) is ASK
    assert level(a_list(deny=["mcp__pg__query"]), lost) is DENY
    assert level(a_list(deny=["Bash(rm *)"]), lost) is ALLOW
    worded = SqlText(argument="sql", unread="too long", is_doubtful=True, text="do it; drop table items")
    assert level(a_list(deny=["Bash(*DROP TABLE*)"]), worded) is DENY
    searched = SqlText(argument="query", unread="no SQL", text="how do people lay a table")
    assert level(a_list(deny=["Bash(*DROP TABLE*)"]), searched) is ALLOW


def test_words_for_people_that_read_as_a_statement_ask() -> None:
    title = SqlText(argument="title", is_expected=False, statements=("DROP TABLE support",), words=("Drop table support",))
    assert level(a_list(deny=["Bash(*DROP TABLE*)"]), title) is ASK
    assert level(a_list(deny=["Bash(*DELETE FROM*)"]), title) is ALLOW


def found(arguments: dict[str, Any], *roles: Authority) -> list[tuple[str, bool, bool]]:
    return [(one.argument, one.is_expected, one.is_sure) for one in sql_candidates(arguments, roles)]


def test_a_text_is_sql_by_its_name_its_role_or_its_beginning() -> None:
    assert found({"sql": "frobnicate", "Statements": ["x", "y"], "note": "a text"}) == [
        ("sql", True, True),
        ("Statements", True, True),
        ("Statements", True, True),
    ]
    assert found({"query": "how to", "queries": ["select 1"]}) == [("query", True, False), ("queries", True, True)]
    assert found({"params": {"deep": [{"sql": "x"}]}}) == [("params", True, True)]
    command = Authority("/run/*/text", Role.COMMAND)
    assert found({"run": [{"text": "ls"}, {"text": "drop table x"}]}, command) == [("run", True, False), ("run", True, True)]
    assert found({"run": "ls"}, Authority("/run", Role.TARGET)) == []
    assert found({"sql": "  ", "n": 7, "flag": True, "none": None}) == []


@pytest.mark.parametrize(
    "text",
    [
        "drop table x",
        "  -- for later\n /* it */ Drop table x",
        "(select 1)",
        ";;WITH a AS (SELECT 1) DELETE FROM b",
        "/*!50000 drop table x */",
        "# so\nexplain analyze delete from x",
    ],
)
def test_a_text_begins_like_a_statement_behind_comments_and_brackets(text: str) -> None:
    assert found({"anything": text}) == [("anything", False, False)]


@pytest.mark.parametrize(
    "text", ["dropped", "a drop table", "-- drop table x", "/* select", "selection of goods", "(((" * 2000]
)
def test_other_texts_do_not(text: str) -> None:
    assert found({"anything": text}) == []


def test_only_deny_and_ask_rules_about_statements_make_anybody_look() -> None:
    assert speak_of_sql(a_list(deny=["Bash(*DROP TABLE*)"]))
    assert speak_of_sql(a_list(ask=["mcp__pg__query(sql:*DELETE *)"]))
    assert not speak_of_sql(
        a_list(deny=["Bash(rm *)", "mcp__pg__query", "mcp__pg__query(mode:write)"], allow=["Bash(*SELECT*)"])
    )


def test_brackets_of_a_servers_tool_hold_a_statement() -> None:
    read = read_rule("mcp__pg__query(*DROP TABLE*)", Listed.DENY)
    assert isinstance(read, Read)
    assert read.rule is not None
    assert read.rule.speaks is Speaks.STATEMENT
    allowed = read_rule("mcp__pg__query(*SELECT *)", Listed.ALLOW)
    assert isinstance(allowed, Read)
    assert allowed.rule is None
    assert "deny" in allowed.remark
    assert isinstance(read_rule("mcp__pg__query(drop it)", Listed.DENY), Fault)
