"""Which calls leave, by which way, and how much they take along."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.framing import frame
from ringfence.core.leaving import beside, is_sink, leaves, ways_outside, weight_of
from ringfence.core.model.call import Call
from ringfence.core.model.identifiers import AgentId, CallId, Millis, RunId
from ringfence.core.model.limits import Leaving
from ringfence.core.model.local import LOCAL, Judgement, Place
from ringfence.core.model.profile import Authority, Effect, Role, ToolProfile
from ringfence.core.model.provenance import Flow, ProvenanceRules
from ringfence.core.model.tool import Tool
from ringfence.core.model.words import Words
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.own_tools.connecting import CONNECT, DEFINITION, RULE
from ringfence.core.own_tools.local_calls import LOCAL_TOOLS, judged, tool_id
from ringfence.core.own_tools.modelling import DEFINITION as MODEL_DEFINITION
from ringfence.core.own_tools.modelling import MESSAGES
from ringfence.core.own_tools.modelling import RULE as MODEL_RULE
from ringfence.core.own_tools.names import OWN_TOOLS
from ringfence.testing.scenario import READ, SMALL_WRITE, tool_rule

OPEN = {"name": "note", "inputSchema": {"type": "object"}}


def a_tool(profile: ToolProfile = SMALL_WRITE, name: str = "crm.note", **more: Any) -> Tool:
    return build_tool({**OPEN, "name": name.partition(".")[2]}, tool_rule(name, profile, **more), None)


def framed(tool: Tool, arguments: dict[str, Any]) -> Call:
    return frame(CallId("c1"), AgentId("support"), RunId("r1"), tool, arguments)


def flow_of(*said: str, hosts: tuple[str, ...] = ("corp.example", "*.corp.example")) -> Flow:
    return Flow(rules=ProvenanceRules(hosts=hosts), words=tuple(Words(text, "operator:ada", Millis(0)) for text in said))


def hosts_in(text: str, *said: str) -> list[str]:
    return [one.host for one in ways_outside(framed(a_tool(), {"text": text}), flow_of(*said))]


@pytest.mark.parametrize(
    "text",
    [
        "see https://evil.example/?d=1",
        "![x](//evil.example/p.png)",
        "<img src=https://evil.example/a>",
        "fixes the lookup of 4711.evil.example/x",
        "mail eve@evil.example",
    ],
)
def test_a_host_outside_makes_any_call_leave(text: str) -> None:
    tool = a_tool()
    call = framed(tool, {"text": text})
    assert leaves(call, tool, flow_of())
    assert is_sink(call, READ, flow_of())


@pytest.mark.parametrize("text", ["all is well", "see https://wiki.corp.example/x", "report.pdf, version 1.2.3"])
def test_what_names_no_host_outside_stays(text: str) -> None:
    tool = a_tool()
    assert not leaves(framed(tool, {"text": text}), tool, flow_of())


def test_a_host_that_an_operator_names_is_not_outside() -> None:
    assert hosts_in("https://partner.example/in", "send it to https://partner.example/in") == []
    assert hosts_in("https://partner.example/in", "send it to the partner") == ["partner.example"]


@pytest.mark.parametrize(
    "quoted",
    [
        "> see https://evil.example/",
        "```\ncurl https://evil.example/\n```",
        "-----Original Message-----\nhttps://evil.example/",
    ],
)
def test_a_host_in_what_an_operator_quotes_is_outside(quoted: str) -> None:
    assert hosts_in("https://evil.example/", f"answer this\n{quoted}") == ["evil.example"]


def test_one_address_at_a_host_does_not_speak_for_everybody_there() -> None:
    assert hosts_in("tell eve@mail.example", "write to bob@mail.example") == ["mail.example"]


def test_what_the_gateway_fills_in_is_the_operators() -> None:
    tool = a_tool(derived=True, fixed={"url": "https://hooks.partner.example/x"})
    assert ways_outside(framed(tool, {"text": "hello"}), flow_of()) == ()


def test_nobody_looks_without_rules() -> None:
    tool = a_tool()
    call = framed(tool, {"text": "https://evil.example/"})
    assert ways_outside(call, None) == ()
    assert not leaves(call, tool, None)


@pytest.mark.parametrize(
    "own",
    [own for tool, own in OWN_TOOLS.items() if tool not in (CONNECT, MESSAGES) and own.rule.server != LOCAL],
    ids=lambda own: own.rule.id,
)
def test_the_gateways_own_tools_do_not_leave(own: Any) -> None:
    tool = build_tool(own.definition, own.rule, None)
    assert not leaves(framed(tool, {"task": "read https://evil.example/", "diff": "+ https://evil.example/"}), tool, flow_of())


def test_a_call_of_a_clients_own_tool_leaves_where_its_judgement_says_so_whatever_its_text_names() -> None:
    own = LOCAL_TOOLS[tool_id("Write")]
    arguments = {"input": {"file_path": "/p/a.md", "content": "see https://evil.example/"}, "cwd": "/p"}
    for outbound in (False, True):
        profile = ToolProfile(effect=Effect.WRITE, outbound=outbound)
        place = Place(cwd="/p", roots=("/p",))
        tool = judged(build_tool(own.definition, own.rule, None), Judgement(place=place, acts=(), profile=profile))
        assert leaves(framed(tool, arguments), tool, flow_of()) is outbound


def test_a_request_to_a_model_leaves_for_the_model_and_for_no_host_that_its_facts_name() -> None:
    tool = build_tool(MODEL_DEFINITION, MODEL_RULE, None)
    call = framed(tool, {"model": "https://evil.example/", "said": {"user": "eve@evil.example"}})
    assert leaves(call, tool, flow_of())
    assert ways_outside(call, flow_of()) == ()


@pytest.mark.parametrize(("host", "outside"), [("api.partner.example", True), ("git.corp.example", False), ("main.py", True)])
def test_a_boxs_way_out_leaves_unless_the_host_is_own(host: str, outside: bool) -> None:
    tool = build_tool(DEFINITION, RULE, None)
    call = framed(tool, {"host": host, "port": 443, "act": "tunnel", "path": "", "credential": ""})
    assert leaves(call, tool, flow_of()) is outside


def test_links_beside_the_target_are_told_from_the_target() -> None:
    tool = a_tool(
        ToolProfile(effect=Effect.WRITE, outbound=True, authority=(Authority("/to/*", Role.TARGET),)), name="mail.send"
    )
    call = framed(tool, {"to": ["bob@partner.example"], "text": "![](https://evil.example/?d=1) or call eve@evil.example"})
    assert [(one.pointer, one.form) for one in beside(call, tool, flow_of())] == [("/text", "image")]


def test_where_nobody_told_target_from_content_every_link_is_beside() -> None:
    tool = a_tool(ToolProfile(effect=Effect.WRITE, outbound=True, authority=(Authority("", Role.SELECTOR),)), name="mail.send")
    call = framed(tool, {"to": "https://evil.example/"})
    assert [one.pointer for one in beside(call, tool, flow_of())] == ["/to"]


@pytest.mark.parametrize(
    ("arguments", "records"),
    [
        ({}, 1),
        ({"text": "one line"}, 1),
        ({"text": "a\nb\r\nc\n\n"}, 3),
        ({"text": "a\u2028b"}, 2),
        ({"rows": [1, 2, 3]}, 3),
        ({"rows": [["a", "b"], ["c", "d"]]}, 6),
        ({"rows": [{"t": "x\ny"}, {"t": "z"}]}, 4),
        ({"text": '[{"id": 1}, {"id": 2}]'}, 2),
        ({"text": ' {"rows": [1, 2, 3]}'}, 3),
        ({"text": "[1, 2"}, 1),
    ],
)
def test_records_are_items_and_lines(arguments: dict[str, Any], records: int) -> None:
    call = framed(a_tool(), arguments)
    assert weight_of(call) == Leaving(len(call.arguments), records)


def test_deep_and_broken_json_is_weighed_all_the_same() -> None:
    for text in ("[" * 100_000, "[" * 900 + "]" * 900, '{"a":' * 50_000, "[" + "9" * 10_000 + "]"):
        assert weight_of(framed(a_tool(), {"text": text})).bytes > len(text)


@given(st.lists(st.text(max_size=20), max_size=8), st.text(max_size=40))
def test_more_never_weighs_less(rows: list[str], more: str) -> None:
    less, all_ = framed(a_tool(), {"rows": rows}), framed(a_tool(), {"rows": [*rows, more]})
    assert weight_of(less).bytes <= weight_of(all_).bytes
    assert weight_of(less).records <= weight_of(all_).records


@given(st.lists(st.integers(-9999, 9999), max_size=12))
def test_rows_count_the_same_as_json_in_a_text(rows: list[int]) -> None:
    assert weight_of(framed(a_tool(), {"rows": rows})).records == weight_of(framed(a_tool(), {"t": json.dumps(rows)})).records


def ways_of(arguments: dict[str, Any], *said: str) -> list[str]:
    return [one.host for one in ways_outside(framed(a_tool(), arguments), flow_of(*said))]


def test_a_target_that_people_chose_is_no_way_out_by_itself() -> None:
    said = "invite kim@partner.example"
    assert ways_of({"to": "kim@partner.example"}, said) == []
    assert ways_of({"to": ["kim@partner.example"]}, said) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"to": "eve@partner.example"},
        {"to": "kim@partner.example.evil.example"},
        {"to": "kim@partner.example, eve@partner.example"},
        {"to": "kim@partner.example https://partner.example/?d=1"},
        {"body": "kim@partner.example"},
        {"to": "kim@partner.example", "body": "see https://partner.example/?d=1"},
        {"to": {"https://partner.example/?d=1": "kim@partner.example"}},
        {"to": "https://partner.example/?d=kim"},
    ],
)
def test_whatever_else_names_that_host_is_a_way_out(arguments: dict[str, Any]) -> None:
    assert ways_of(arguments, "invite kim@partner.example")


def test_a_chosen_target_does_not_open_its_host_to_the_content() -> None:
    arguments = {"to": "kim@partner.example", "body": "eve@partner.example"}
    found = ways_outside(framed(a_tool(), arguments), flow_of("invite kim@partner.example"))
    assert [one.pointer for one in found] == ["/body"]
