"""What of a client's `_meta` goes on to a server."""

import pytest

from ringfence.core.mcp.client_meta import NO_META, TOOL_USE, VENDOR_LIMIT, client_meta, is_vendor_key

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("key", ["note", "x", "claude.ai/toolUseId", "com.example/k.e_y-1", "com.example.mcp/key", "a-b/c"])
def test_a_key_that_is_reserved_for_nobody_passes(key: str) -> None:
    assert client_meta({key: 1}).vendor == {key: 1}


@pytest.mark.parametrize(
    "key",
    [
        "progressToken",
        "baggage",
        "Baggage",
        "TraceParent",
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/anything",
        "IO.ModelContextProtocol/logLevel",
        "modelcontextprotocol.io/x",
        "mcp.dev/x",
        "dev.mcp/x",
        "com.mcp.tools/x",
        "tools.mcp.com/x",
        "org.modelcontextprotocol.api/x",
        "ringfence/decision",
        "Ringfence/decision",
        "",
        "/x",
        "x/",
        "a/b/c",
        "1abc/x",
        ".x",
        "x\0",
        "io.modelcontextprotoco\u217c/x",
        "k" * 257,
    ],
)
def test_a_key_of_somebody_else_or_of_no_lawful_form_does_not(key: str) -> None:
    assert not is_vendor_key(key)
    assert client_meta({key: PARENT}) == NO_META


def test_vendor_keys_pass_together_or_not_at_all() -> None:
    room = VENDOR_LIMIT - len('{"a":"","b":1}')
    assert client_meta({"a": "x" * room, "b": 1}).vendor == {"a": "x" * room, "b": 1}
    assert client_meta({"a": "x" * (room + 1), "b": 1}).vendor == {}


def test_trace_context_passes_with_its_state_and_names_the_trace() -> None:
    meta = client_meta({"traceparent": PARENT, "tracestate": "vendor=1,other=2"})
    assert meta.trace == {"traceparent": PARENT, "tracestate": "vendor=1,other=2"}
    assert meta.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert meta.vendor == {}


def test_a_later_version_of_trace_context_may_say_more() -> None:
    later = f"01{PARENT[2:]}-what-is-new"
    assert client_meta({"traceparent": later}).trace == {"traceparent": later}


@pytest.mark.parametrize(
    "parent",
    [
        7,
        "",
        PARENT.upper(),
        f"{PARENT}-more",
        f"{PARENT}\n",
        f"ff{PARENT[2:]}",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
        f"01{PARENT[2:]}-{'x' * 100}",
    ],
)
def test_a_broken_traceparent_is_dropped_with_its_state(parent: object) -> None:
    assert client_meta({"traceparent": parent, "tracestate": "a=1"}) == NO_META


@pytest.mark.parametrize("state", [1, "", "a=1\n", "a=\u00fc", "x" * 513])
def test_a_broken_tracestate_is_dropped_alone(state: object) -> None:
    assert client_meta({"traceparent": PARENT, "tracestate": state}).trace == {"traceparent": PARENT}


@pytest.mark.parametrize(
    ("said", "expected"),
    [("toolu_01A.b:c-d", "toolu_01A.b:c-d"), ("", ""), ("two words", ""), ("x" * 121, ""), (7, ""), (None, ""), ({"a": 1}, "")],
)
def test_the_use_of_a_tool_that_a_call_is_counts_where_it_is_written_like_an_id(said: object, expected: str) -> None:
    assert client_meta({TOOL_USE: said}).tool_use == expected
