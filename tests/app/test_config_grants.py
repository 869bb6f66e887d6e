"""What the file says about servers that ask, methods besides tools, open schemas and an agent without a credential."""

from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.core.model.identifiers import AgentId, ServerId, ToolId
from ringfence.core.model.profile import Effect
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.rules import Grants, Rules
from ringfence.errors import ConfigError

ORDERS = ServerId("orders")


def rules(servers: str = "{command: [x]}", tools: str = "{orders.get: {effect: read}}", agents: str = "{}") -> Rules:
    text = f"version: 1\nservers: {{orders: {servers}}}\ntools: {tools}\nagents: {agents}\n"
    return parse_config(text.encode(), Path("r.yaml")).rules


def complaint(**parts: str) -> str:
    with pytest.raises(ConfigError) as caught:
        rules(**parts)
    return str(caught.value)


def grants(text: str) -> Grants:
    return rules(f"{{command: [x], grants: {text}}}").servers[ORDERS].grants


@pytest.mark.requirement("I16")
def test_a_server_may_ask_nothing_by_default() -> None:
    assert rules().servers[ORDERS].grants == Grants()
    assert grants("{}") == Grants()


def test_each_grant_stands_alone() -> None:
    assert grants("{sampling: true}") == Grants(sampling=True)
    assert grants("{sampling: false}") == Grants()
    assert grants("{sampling: {}}") == Grants(sampling=True)
    assert grants("{sampling: {max_tokens: 50}}") == Grants(sampling=True, sampling_tokens=50)
    assert grants("{elicitation: {form: true}}") == Grants(elicitation_form=True)
    assert grants("{elicitation: {url_hosts: [pay.example]}}") == Grants(elicitation_hosts=frozenset({"pay.example"}))
    assert grants("{roots: true}") == Grants(roots=True)
    assert grants("{logging: true, requests_per_call: 0}") == Grants(logging=True, requests_per_call=0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{sampling: yes}", "`true`, `false` or a mapping"),
        ("{sampling: {tokens: 5}}", "unknown key `tokens`"),
        ("{elicitation: true}", "expected a mapping with `form` and `url_hosts`"),
        ("{elicitation: {url_hosts: ['https://pay.example']}}", "a host name in lower case"),
        ("{elicitation: {url_hosts: ['*']}}", "a host name in lower case"),
        ("{logs: true}", "unknown key `logs`"),
    ],
)
def test_a_grant_that_says_something_else_is_refused(text: str, said: str) -> None:
    assert said in complaint(servers=f"{{command: [x], grants: {text}}}")


@pytest.mark.parametrize("method", ["resources/read", "prompts/get", "completion/complete"])
def test_a_method_is_configured_like_a_tool(method: str) -> None:
    name = f"orders.{method}"
    found = rules(
        tools=f"{{{name}: {{effect: read}}}}",
        agents=f"{{a: {{purpose: p, tools: [orders.*], tighten: {{{name}: {{maxProperties: 2}}}}}}}}",
    )
    rule = found.tools[ToolId(name)]
    assert (rule.server, rule.upstream_name, rule.profile.effect) == (ORDERS, method, Effect.READ)
    assert found.agents[AgentId("a")].may_see(ToolId(name))


@pytest.mark.parametrize("method", ["resources/list", "tools/call", "resources/read/x", "resources/", "initialize/now"])
def test_no_other_method_is_a_tool(method: str) -> None:
    assert "expected a tool id" in complaint(tools=f"{{orders.{method}: {{}}}}")


def test_a_method_is_given_by_its_name_or_by_a_pattern() -> None:
    tools = "{orders.resources/read: {}, orders.prompts/get: {}}"
    agent = rules(tools=tools, agents="{a: {purpose: p, tools: [orders.resources/read]}}").agents[AgentId("a")]
    assert agent.may_see(ToolId("orders.resources/read"))
    assert not agent.may_see(ToolId("orders.prompts/get"))
    said = complaint(tools=tools, agents="{a: {purpose: p, tools: [orders.resources/list]}}")
    assert "nearest tool: `orders.resources/read`" in said


@pytest.mark.requirement("I16")
def test_schemas_are_closed_unless_the_operator_opens_a_server() -> None:
    definition = {"name": "get", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}}}
    shown = {}
    for text in ("{command: [x]}", "{command: [x], closed_schemas: false}"):
        tool = build_tool(definition, rules(text).tools[ToolId("orders.get")], None)
        assert tool.validator is not None
        shown[text] = tool.validator.is_valid({"id": "1", "more": 1})
    assert list(shown.values()) == [False, True]


def test_a_derived_tool_stays_closed_on_an_open_server() -> None:
    text = (
        "version: 1\nservers: {orders: {command: [x], closed_schemas: false}}\n"
        "derived: {orders.one: {from: orders.get, description: d, fixed: {table: a}}}\n"
    )
    rule = parse_config(text.encode(), Path("r.yaml")).rules.tools[ToolId("orders.one")]
    schema = {"type": "object", "properties": {"table": {"type": "string"}, "id": {"type": "string"}}}
    tool = build_tool({"name": "get", "inputSchema": schema}, rule, None)
    assert tool.validator is not None
    assert tool.validator.is_valid({"id": "1"})
    assert not tool.validator.is_valid({"id": "1", "table": "b"})


@pytest.mark.requirement("I16")
def test_no_agent_is_anonymous_by_default() -> None:
    assert rules(agents="{a: {purpose: p, tools: [orders.get]}}").anonymous is None


def test_one_agent_may_be_anonymous() -> None:
    found = rules(agents="{a: {purpose: p, tools: []}, b: {purpose: p, tools: [], unsafe_anonymous: true}}")
    assert found.anonymous is found.agents[AgentId("b")]


def test_two_anonymous_agents_are_refused() -> None:
    one = "{purpose: p, tools: [], unsafe_anonymous: true}"
    assert "agents.b.unsafe_anonymous: `a` is anonymous already" in complaint(agents=f"{{a: {one}, b: {one}}}")
