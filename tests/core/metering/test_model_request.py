"""A Messages request as facts, or a reason why it cannot be counted; never an exception."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.core.metering.observed import result_key, use_key
from ringfence.core.metering.request import (
    CacheUse,
    Fallback,
    ModelRequest,
    ServerTool,
    Unreadable,
    read_batch,
    read_count,
    read_request,
)
from ringfence.core.strict_json.canonical import digest_of


def body(**members: Any) -> bytes:
    plain = {"model": "claude-opus-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
    return json.dumps({key: value for key, value in (plain | members).items() if value is not ...}).encode()


def facts(**members: Any) -> ModelRequest:
    found = read_request(body(**members))
    assert isinstance(found, ModelRequest)
    return found


def said(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 1000}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "B" * 2000}}


def test_what_a_plain_request_asks_for():
    data = body(stream=True, metadata={"user_id": "u"}, thinking={"type": "enabled", "budget_tokens": 50})
    found = read_request(data)
    assert isinstance(found, ModelRequest)
    assert (found.model, found.max_tokens, found.stream, found.thinking, found.user) == ("claude-opus-5", 100, True, 50, "u")
    assert found.text_bytes == len(data)
    assert found.blocks == {"text": 1}
    assert (found.system, found.tools, found.cache, found.server_tools) == (None, None, CacheUse.NONE, ())


@pytest.mark.parametrize(
    "members",
    [
        {"model": ...}, {"model": 3}, {"model": ""}, {"model": "m" * 201}, {"max_tokens": ...}, {"max_tokens": -1},
        {"max_tokens": 1.5}, {"max_tokens": "100"}, {"max_tokens": True}, {"max_tokens": 10**9}, {"max_tokens": 10**20},
        {"stream": "yes"}, {"stream": 1}, {"messages": {}}, {"messages": ["x"]}, {"tools": {}}, {"tools": [1]},
        {"tools": [{"type": 5}]}, {"tools": [{"type": "web_search_20250305", "max_uses": -1}]}, {"thinking": "on"},
        {"thinking": {"budget_tokens": "many"}}, {"metadata": []}, {"mcp_servers": 1}, {"mcp_servers": [1]}, {"fallbacks": [1]},
        {"context_management": {"edits": 1}},
    ],
)  # fmt: skip
def test_what_would_be_counted_wrong_is_refused(members: dict[str, Any]):
    found = read_request(body(**members))
    assert isinstance(found, Unreadable)
    assert found.status == 400


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"null", b'"x"', b"{", b'{"model":"a","model":"b","max_tokens":1}', b'{"max_tokens":NaN,"model":"a"}',
        b"\xff", b'\xef\xbb\xbf{"model":"a","max_tokens":1}', b"[" * 100_000,
        b'{"model":"a","max_tokens":1,"x":' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"model":"a","max_tokens":1,"x":{"a":1,"\\u0061":2}}',
    ],
)  # fmt: skip
def test_bytes_that_two_readers_could_read_differently_are_refused(data: bytes):
    assert isinstance(read_request(data), Unreadable)
    assert isinstance(read_count(data), Unreadable)
    assert isinstance(read_batch(data), Unreadable)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes):
    for read in (read_request, read_count, read_batch):
        read(data)


KEYS = st.sampled_from(["type", "content", "source", "id", "data", "url", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)  # fmt: skip
MEMBERS = st.sampled_from(
    ["messages", "system", "tools", "thinking", "metadata", "mcp_servers", "fallbacks", "container", "speed"]
)


@given(st.dictionaries(MEMBERS, JSON, max_size=4), JSON)
@example({}, {"type": [], "id": 1})
@example({}, {"type": {}, "id": [], "tool_use_id": {}})
@example({}, {"type": "tool_use", "id": [1], "name": {}})
def test_no_json_raises(members: dict[str, Any], content: Any):
    found = read_request(body(**({"messages": [said(content)]} | members)))
    assert isinstance(found, ModelRequest | Unreadable)


def test_a_body_that_is_too_large_is_told_so():
    found = read_request(body(), largest=10)
    assert isinstance(found, Unreadable)
    assert found.status == 413
    assert isinstance(read_count(body(), largest=10), Unreadable)
    assert isinstance(read_batch(body(), largest=10), Unreadable)


def test_members_and_blocks_that_nobody_knows_are_left_alone():
    found = facts(of_next_year={"x": 1}, messages=[said({"type": "hologram", "rays": 3})])
    assert found.blocks == {"hologram": 1}


def test_numbers_of_twenty_digits_do_not_end_a_conversation():
    use = {"type": "tool_use", "id": "t", "name": "n", "input": {"id": 12345678901234567890}}
    (seen,) = facts(messages=[said(use, role="assistant")]).uses
    other = {**use, "input": {"id": 12345678901234567891}}
    assert seen.arguments is not None
    assert facts(messages=[said(other, role="assistant")]).uses[0].arguments != seen.arguments


def test_images_and_pdfs_are_counted_and_their_base64_is_no_text():
    found = facts(messages=[said(IMAGE, PDF, {"type": "text", "text": "x"})])
    assert (found.images, found.documents, found.remote) == (1, 1, 0)
    assert found.text_bytes == len(body(messages=[said(IMAGE, PDF, {"type": "text", "text": "x"})])) - 3000


def test_images_inside_results_and_documents_are_found():
    result = {"type": "tool_result", "tool_use_id": "t", "content": [IMAGE, {"type": "text", "text": "x"}]}
    wrapped = {"type": "document", "source": {"type": "content", "content": [IMAGE]}}
    found = facts(messages=[said(result, wrapped)])
    assert (found.images, found.documents, found.remote) == (2, 0, 0)


def test_base64_in_a_text_is_text():
    found = facts(messages=[said({"type": "text", "text": "x", "source": {"type": "base64", "data": "A" * 500}})])
    assert found.text_bytes > 500


@pytest.mark.parametrize(
    "block",
    [
        {"type": "document", "source": {"type": "url", "url": "https://a.example/x.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        {"type": "document"},
        {"type": "container_upload", "file_id": "f"},
        {"type": "later", "file_id": "f"},
    ],
)
def test_what_is_named_and_not_sent_is_counted_as_remote(block: dict[str, Any]):
    assert facts(messages=[said(block)]).remote == 1


def test_a_thread_that_the_vendor_keeps_is_remote():
    assert facts(thread={"id": "t"}).remote == 1


def test_system_and_tools_have_digests_that_change_with_them():
    tools = [{"name": "pay", "input_schema": {"type": "object"}}]
    found = facts(system=[{"type": "text", "text": "You are kind."}], tools=tools)
    assert found.system == digest_of([{"type": "text", "text": "You are kind."}])
    assert found.tools == digest_of(tools)
    assert found.tool_names == ("pay",)
    assert facts(tools=[*tools, *tools]).tools != found.tools


def test_uses_and_results_are_noted_once_in_their_order():
    uses = [{"type": "tool_use", "id": f"t{index}", "name": "n", "input": {"i": index}} for index in range(3)]
    results = [
        {"type": "tool_result", "tool_use_id": f"t{index}", "content": "ok", "is_error": index == 2} for index in range(3)
    ]
    messages = [said(uses[0], role="assistant"), said(results[0]), said(*uses[1:], role="assistant"), said(*results[1:])]
    found = facts(messages=messages)
    assert [use.id for use in found.uses] == [result.id for result in found.results] == ["t0", "t1", "t2"]
    assert found.results[0].content == digest_of("ok")
    assert [result.is_error for result in found.results] == [False, False, True]
    again = read_request(body(messages=messages), known={use_key("t0"), use_key("t1"), result_key("t0")})
    assert isinstance(again, ModelRequest)
    assert [use.id for use in again.uses] == ["t2"]
    assert [result.id for result in again.results] == ["t1", "t2"]


def test_of_very_many_uses_the_last_are_noted():
    uses = [{"type": "tool_use", "id": f"t{index}", "name": "n", "input": {}} for index in range(1500)]
    found = facts(messages=[said(*uses, role="assistant")])
    assert len(found.uses) == 1000
    assert found.uses[-1].id == "t1499"
    assert found.blocks["tool_use"] == 1500


def test_kinds_of_blocks_are_bounded():
    found = facts(messages=[said(*({"type": f"k{index}" * 90} for index in range(200)))])
    assert len(found.blocks) <= 41
    assert sum(found.blocks.values()) == 200


@pytest.mark.parametrize(
    ("members", "use"),
    [
        ({"cache_control": {"type": "ephemeral"}}, CacheUse.FIVE_MINUTES),
        (
            {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "5m"}}]},
            CacheUse.FIVE_MINUTES,
        ),
        ({"tools": [{"name": "n", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}, CacheUse.HOUR),
        ({"messages": [said({"type": "text", "text": "x", "cache_control": {"ttl": "24h"}})]}, CacheUse.HOUR),
    ],
)
def test_the_longest_time_in_the_cache_counts(members: dict[str, Any], use: CacheUse):
    assert facts(**members).cache is use


def test_tools_that_the_vendor_runs_are_told_from_the_clients_own():
    found = facts(
        tools=[
            {"name": "pay", "input_schema": {}},
            {"name": "own", "type": "custom"},
            {"name": "bash", "type": "bash_20250124"},
            {"name": "web_search", "type": "web_search_20250305", "max_uses": 3},
            {"name": "advisor", "type": "advisor_20260301", "model": "claude-fable-5", "max_tokens": 900},
            {"type": "mcp_toolset", "mcp_server_name": "m"},
        ],
        mcp_servers=[{"type": "url", "url": "https://m.example", "name": "m"}],
        container="c",
    )
    assert found.server_tools == (
        ServerTool(kind="web_search", most=3),
        ServerTool(kind="advisor", model="claude-fable-5", max_tokens=900),
        ServerTool(kind="mcp_toolset"),
    )
    assert found.mcp_servers == ("https://m.example",)
    assert found.container


def test_everything_that_makes_it_dearer_is_seen():
    found = facts(speed="fast", inference_geo="us", fallbacks=[{"model": "claude-opus-5", "max_tokens": 7}, {"model": "m"}])
    assert found.fast
    assert found.geo == "us"
    assert found.fallbacks == (Fallback(model="claude-opus-5", max_tokens=7), Fallback(model="m", max_tokens=100))
    assert facts(fallbacks="default").fallbacks_unknown
    assert facts(compaction={}).compacts
    assert facts(context_management={"edits": [{"type": "compact_20260112"}]}).compacts
    assert not facts(context_management={"edits": [{"type": "clear_tool_uses_20250919"}]}).compacts


def test_counting_needs_no_max_tokens_and_generates_nothing():
    found = read_count(body(max_tokens=...))
    assert isinstance(found, ModelRequest)
    assert found.max_tokens == 0


def test_a_batch_is_all_its_requests():
    entries = [{"custom_id": str(index), "params": json.loads(body(max_tokens=index + 1))} for index in range(3)]
    found = read_batch(json.dumps({"requests": entries}).encode())
    assert isinstance(found, tuple)
    assert [each.max_tokens for each in found] == [1, 2, 3]
    assert all(each.text_bytes > 50 for each in found)


@pytest.mark.parametrize("requests", [{}, [1], [{"params": 1}], [{"custom_id": "x"}], [{"params": {"model": "m"}}]])
def test_a_batch_of_which_one_cannot_be_counted_is_refused(requests: Any):
    assert isinstance(read_batch(json.dumps({"requests": requests}).encode()), Unreadable)
