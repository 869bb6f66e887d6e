"""Reading entries for charts and traces: any entry can be read, and no words of anybody come out."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.explaining.rule_class import RuleClass
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule
from ringfence.core.model.identifiers import AgentId, CallId, Digest, RunId, ToolId
from ringfence.core.own_tools.modelling import MESSAGES
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.rules import Rules
from ringfence.core.telemetry.events import Ending
from ringfence.core.telemetry.names import NONE, UNKNOWN, agent_name, model_name, tool_name, upstream_name
from ringfence.core.telemetry.reading import OTHER, decided, ended
from ringfence.testing.scenario import shop_rules

MARK = "said-by-somebody"
_words = st.text(string.ascii_lowercase, max_size=8).map(lambda text: f"{MARK}{text}")
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=8,
)
_known = st.sampled_from(
    ("reasons", "ticket", "trace", "span", "arguments", "model", "error", "withheld", "is_error", "stopped", "digest", "why")
)
_inner = st.sampled_from(
    (
        "code",
        "act",
        "model",
        "upstream",
        "max_tokens",
        "stream",
        "most",
        "micro",
        "tokens_in",
        "end",
        "status",
        "tokens",
        "plain",
    )
)
_deeper = st.dictionaries(_inner, _values | st.dictionaries(_inner, _values, max_size=3), max_size=5)
bodies = st.dictionaries(_known, _values | _deeper | st.lists(_deeper, max_size=3), max_size=6)
tools = st.sampled_from((MESSAGES, ToolId("orders.get"), ToolId("docs.resources/read"))) | _words.map(ToolId)
decisions = st.sampled_from(("allow", "ask", "deny", "halt", "returned", "failed_not_sent", "ambiguous"))


def with_models() -> Rules:
    rules = shop_rules()
    return Rules(
        digest=Digest(""),
        servers=rules.servers,
        tools=rules.tools,
        agents=rules.agents,
        models=ModelRules(upstreams=(ModelUpstreamRule(name="main"),)),
    )


RULES = with_models()


def an_entry(decision: str = "allow", tool: str = "orders.get", body: Mapping[str, Any] | None = None) -> Entry:
    return Entry(
        kind=EntryKind.DECISION,
        at=1000,
        summary=f"{MARK} summary",
        run=RunId("r_1"),
        agent=AgentId("support"),
        tool=ToolId(tool),
        call=CallId("c_1"),
        decision=decision,
        by="agent:support",
        body=body or {},
    )


@given(decisions, tools, bodies)
def test_any_entry_can_be_read_and_only_a_tickets_id_is_taken_as_it_stands(
    decision: str, tool: ToolId, body: Mapping[str, Any]
) -> None:
    entry = an_entry(decision, tool, body)
    before = decided(entry, 1, RunId("r_0"), RULES)
    assert before is not None
    after = ended(entry, 2, before, RULES)
    assert after is not None
    assert ended(entry, 2, None, RULES) is not None
    said = repr((before, after))
    ticket = body.get("ticket")
    assert MARK not in (said.replace(repr(ticket), "") if isinstance(ticket, str) else said)


def test_what_is_no_call_is_not_read() -> None:
    entry = Entry(kind=EntryKind.GATEWAY, at=1, summary="", body={})
    assert decided(entry, 1, RunId("r"), RULES) is None
    assert ended(entry, 1, None, RULES) is None


def test_a_refusal_with_several_reasons_is_named_as_the_agent_hears_it() -> None:
    reasons = [{"code": "policy"}, {"code": "killed"}, {"code": "no such code"}]
    found = decided(an_entry("deny", body={"reasons": reasons}), 1, RunId("r"), RULES)
    assert found is not None
    assert (found.code, found.rule) == ("killed", RuleClass.STOPPED)


def test_methods_are_named_by_what_they_are_to_mcp() -> None:
    named = {"orders.get": "tools/call", "docs.resources/read": "resources/read", "model.messages": "", "egress.connect": ""}
    for tool, method in named.items():
        found = decided(an_entry(tool=tool), 1, RunId("r"), RULES)
        assert found is not None
        assert found.method == method


def test_ends_are_told_apart() -> None:
    def ending(decision: str, **body: Any) -> Ending:
        found = ended(an_entry(decision, body=body), 1, None, RULES)
        assert found is not None
        return found.ending

    assert ending("returned", is_error=False) is Ending.RETURNED
    assert ending("returned", is_error=True) is Ending.FAILED
    assert ending("returned", error={"code": 1}) is Ending.FAILED
    assert ending("returned", withheld="instructions", is_error=True) is Ending.WITHHELD
    assert ending("failed_not_sent") is Ending.NOT_SENT
    assert ending("ambiguous") is Ending.AMBIGUOUS


def test_what_an_answer_says_of_itself_is_one_of_few_words() -> None:
    facts = {"model": "claude-opus-4-5-20251101", "end": "exploded", "stop_reason": MARK, "micro": -3, "tokens": {"plain": 4}}
    found = ended(an_entry("returned", MESSAGES, {"model": facts}), 1, None, RULES)
    assert found is not None
    assert found.used is not None
    assert (found.used.model, found.used.end, found.used.stop_reason) == ("claude-opus-4-5", OTHER, OTHER)
    assert (found.used.micro, found.used.kinds) == (0, {"plain": 4})


def test_names_are_the_configurations() -> None:
    assert (agent_name(RULES, "support"), agent_name(RULES, "x"), agent_name(RULES, None)) == ("support", UNKNOWN, UNKNOWN)
    assert [tool_name(RULES, tool) for tool in ("orders.get", "egress.connect", "orders.x", None)] == [
        "orders.get",
        "egress.connect",
        UNKNOWN,
        UNKNOWN,
    ]
    snapshots = ("claude-opus-4-5", "claude-opus-4-5-20251101", "anthropic.claude-opus-4-5-20251101-v1:0")
    assert {model_name(RULES, name) for name in snapshots} == {"claude-opus-4-5"}
    assert [model_name(RULES, name) for name in ("gpt-9", "")] == [UNKNOWN, NONE]
    assert [upstream_name(RULES, name) for name in ("main", "other", "")] == ["main", UNKNOWN, NONE]
    assert (model_name(shop_rules(), "claude-opus-4-5"), upstream_name(shop_rules(), "main")) == (UNKNOWN, UNKNOWN)
