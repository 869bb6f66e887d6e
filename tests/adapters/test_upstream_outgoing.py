"""The bytes of a request to an upstream: what was decided, untouched, and what the gateway puts around it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request

from ringfence.adapters.upstream.outgoing import Outgoing, outgoing
from ringfence.adapters.wire.mcp import MODERN_VERSION, Era, modern_headers
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.ports.upstream import NotSent, Sending
from ringfence.testing.contracts.upstream import sending

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=5)
OURS = {"_meta", "inputResponses", "requestState", "task"}


def asking(method: str, params: dict[str, Any]) -> Sending:
    return replace(sending(""), method=method, arguments=canonical_bytes(params))


def request_of(item: Sending) -> Outgoing:
    request = outgoing(item)
    assert isinstance(request, Outgoing), request
    return request


@pytest.mark.requirement("I4")
@given(OBJECTS, st.sampled_from(Era), st.booleans())
def test_argument_bytes_stand_in_the_request_as_given(body: dict[str, Any], era: Era, progress: bool) -> None:
    item = sending("tool", body)
    line = request_of(item).line(era, 7, wants_progress=progress)
    assert b'"arguments":' + item.arguments in line
    params = parse_strict(line)["params"]
    assert params["arguments"] == body
    assert params["name"] == "tool"
    assert params.get("_meta", {}).get("progressToken") == (7 if progress else None)


@pytest.mark.requirement("I4")
@given(OBJECTS.filter(lambda body: OURS.isdisjoint(body)), st.sampled_from(Era), st.booleans(), st.booleans())
def test_params_of_another_method_stand_in_the_request_as_given(
    body: dict[str, Any], era: Era, progress: bool, again: bool
) -> None:
    item = asking("completion/complete", body)
    more = b',"requestState":"s"' if again else b""
    line = request_of(item).line(era, 7, wants_progress=progress, more=more)
    assert item.arguments[:-1] in line
    params = parse_strict(line)["params"]
    assert {key: value for key, value in params.items() if key not in OURS} == body
    assert params.get("requestState") == ("s" if again else None)
    assert ("_meta" in params) == (progress or era is Era.MODERN)


@pytest.mark.requirement("I4")
@given(OBJECTS, st.sampled_from(Era), st.booleans(), st.sampled_from(["tools/call", "resources/read"]))
def test_what_the_client_said_beside_its_request_stands_in_the_meta_with_what_is_ours(
    said: dict[str, Any], era: Era, progress: bool, method: str
) -> None:
    item = sending("tool", {"a": 1}) if method == "tools/call" else asking(method, {"uri": "a:b"})
    line = request_of(replace(item, meta=said)).line(era, 7, wants_progress=progress)
    plain = request_of(item).line(era, 7, wants_progress=progress)
    meta = parse_strict(line)["params"].get("_meta", {})
    assert meta == {**said, **parse_strict(plain)["params"].get("_meta", {})}
    assert item.arguments in line or item.arguments[:-1] in line


@pytest.mark.parametrize("member", sorted(OURS))
@pytest.mark.requirement("I4")
def test_params_cannot_bring_what_only_the_gateway_writes(member: str) -> None:
    assert isinstance(outgoing(asking("resources/read", {"uri": "a://b", member: {}})), NotSent)


@pytest.mark.parametrize(
    "item",
    [
        asking("tools/list", {}),
        asking("initialize", {}),
        asking("resources/read", {}),
        asking("resources/read", {"uri": 5}),
        asking("prompts/get", {"uri": "a"}),
        replace(asking("prompts/get", {}), arguments=b"[]"),
        replace(asking("prompts/get", {}), arguments=b"{"),
        replace(asking("prompts/get", {}), arguments=b' {"name":"a"} '),
        replace(sending("echo"), capabilities={"sampling": float("nan")}),
    ],
)
def test_what_is_no_lawful_request_is_never_sent(item: Sending) -> None:
    assert isinstance(outgoing(item), NotSent)


@given(st.text(min_size=1, max_size=50).filter(lambda name: name.isprintable()), st.sampled_from(["tool", "uri", "prompt"]))
def test_our_modern_requests_pass_the_ladder_of_the_official_server(name: str, kind: str) -> None:
    items = {
        "tool": sending(name),
        "uri": asking("resources/read", {"uri": name}),
        "prompt": asking("prompts/get", {"name": name}),
    }
    request = request_of(replace(items[kind], capabilities={"sampling": {}}))
    body = json.loads(request.line(Era.MODERN, 1, wants_progress=False))
    route = classify_inbound_request(body, headers=modern_headers(request.method, request.name))
    assert isinstance(route, InboundModernRoute), route
    assert route.protocol_version == MODERN_VERSION
    assert route.client_capabilities == {"sampling": {}}
