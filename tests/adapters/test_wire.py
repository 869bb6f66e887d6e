"""The wire values: JSON-RPC, server-sent events, lines, envelopes."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Notification, Request, Result, classify, same_id
from ringfence.adapters.wire.lines import LineSplitter
from ringfence.adapters.wire.mcp import (
    MODERN_VERSION,
    Era,
    era_from,
    era_neutral,
    initialize_params,
    is_tool_name,
    request_meta,
)
from ringfence.adapters.wire.sse import Event, SseParser
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.errors import RequestError

# --- JSON-RPC


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "a", "params": {"b": 1}}, Request(1, "a", {"b": 1})),
        ({"jsonrpc": "2.0", "id": "1", "method": "a"}, Request("1", "a", {})),
        ({"jsonrpc": "2.0", "method": "a"}, Notification("a", {})),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, Result(1, {})),
        ({"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": "x"}}, ErrorAnswer(None, -1, "x")),
        ({"jsonrpc": "2.0", "error": {"code": -1, "message": "x", "data": 5}}, ErrorAnswer(None, -1, "x", 5)),
    ],
)
def test_each_kind_of_message_is_told_apart(value: Any, expected: object) -> None:
    assert classify(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        "text",
        [{"jsonrpc": "2.0", "method": "a"}],
        {},
        {"jsonrpc": "1.0", "method": "a"},
        {"jsonrpc": 2.0, "method": "a"},
        {"method": "a"},
        {"jsonrpc": "2.0", "id": None, "method": "a"},
        {"jsonrpc": "2.0", "id": 1.0, "method": "a"},
        {"jsonrpc": "2.0", "id": True, "method": "a"},
        {"jsonrpc": "2.0", "id": [1], "method": "a"},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": "a", "params": []},
        {"jsonrpc": "2.0", "id": 1, "method": "a", "params": None},
        {"jsonrpc": "2.0", "id": 1, "method": "a", "Params": {}},
        {"jsonrpc": "2.0", "id": 1, "method": "a", "result": {}},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": 1, "message": ""}},
        {"jsonrpc": "2.0", "id": 1, "result": None},
        {"jsonrpc": "2.0", "id": 1, "result": []},
        {"jsonrpc": "2.0", "id": None, "result": {}},
        {"jsonrpc": "2.0", "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": "x"},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": "1", "message": ""}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": True, "message": ""}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": 5}},
        {"jsonrpc": "2.0", "id": 1, "result": {}, "extra": 1},
    ],
)
def test_what_is_not_one_json_rpc_message_is_refused(value: Any) -> None:
    with pytest.raises(RequestError):
        classify(value)


def test_ids_of_different_types_are_never_the_same() -> None:
    assert same_id(1, 1)
    assert same_id("1", "1")
    assert not same_id(1, "1")
    assert not same_id(1, True)
    assert not same_id(1, 1.0)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
IDS = st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
OBJECTS = st.dictionaries(TEXT.filter(lambda key: "\0" not in key), st.none() | st.integers(0, 9), max_size=4)


@given(IDS, TEXT, OBJECTS)
def test_what_is_written_reads_back(identity: int | str, method: str, body: dict[str, Any]) -> None:
    raw = canonical_bytes(body)
    assert classify(json.loads(jsonrpc.request(identity, method, raw))) == Request(identity, method, body)
    assert classify(json.loads(jsonrpc.notification(method, raw))) == Notification(method, body)
    assert classify(json.loads(jsonrpc.notification(method))) == Notification(method, {})
    assert classify(json.loads(jsonrpc.result(identity, raw))) == Result(identity, body)
    assert classify(json.loads(jsonrpc.error(identity, -5, method, 1))) == ErrorAnswer(identity, -5, method, 1)


# --- MCP


def test_initialize_declares_what_it_is_given_and_else_nothing() -> None:
    assert parse_strict(initialize_params())["capabilities"] == {}
    assert parse_strict(initialize_params(b'{"roots":{}}'))["capabilities"] == {"roots": {}}


@given(OBJECTS, st.sampled_from(Era), st.none() | st.integers(1, 99), st.sampled_from([None, "info"]))
def test_the_meta_of_a_request_says_what_was_declared(
    declared: dict[str, Any], era: Era, token: int | None, level: str | None
) -> None:
    raw = request_meta(era, token, capabilities=canonical_bytes(declared), log_level=level)
    meta = parse_strict(raw) if raw is not None else {}
    assert meta.get("progressToken") == token
    assert meta.get("io.modelcontextprotocol/clientCapabilities") == (declared if era is Era.MODERN else None)
    assert meta.get("io.modelcontextprotocol/logLevel") == (level if era is Era.MODERN else None)
    assert meta.get("io.modelcontextprotocol/protocolVersion") == (MODERN_VERSION if era is Era.MODERN else None)


def test_only_positive_evidence_makes_a_server_modern() -> None:
    modern = [
        Result(1, {"supportedVersions": ["1999-01-01", "2026-07-28"]}),
        ErrorAnswer(1, -32022, "", {"supported": ["2026-07-28"]}),
        ErrorAnswer(1, -32020, ""),
        ErrorAnswer(1, -32021, ""),
    ]
    legacy = [
        None,
        Result(1, {}),
        Result(1, {"supportedVersions": ["2025-11-25"]}),
        Result(1, {"supportedVersions": "2026-07-28"}),
        ErrorAnswer(1, -32022, "", {"supported": ["2025-11-25"]}),
        ErrorAnswer(1, -32601, ""),
        ErrorAnswer(1, -32602, ""),
    ]
    assert [era_from(message) for message in modern] == [Era.MODERN] * len(modern)
    assert [era_from(message) for message in legacy] == [Era.LEGACY] * len(legacy)


def test_a_neutral_result_keeps_everything_but_the_keys_of_one_era() -> None:
    result = {"content": [], "resultType": "complete", "ttlMs": 1, "cacheScope": "private", "_meta": {"a": 1}}
    assert era_neutral(result) == {"content": [], "_meta": {"a": 1}}


@pytest.mark.parametrize("name", ["a", "A.b-c_9", "x" * 128])
def test_legal_tool_names(name: str) -> None:
    assert is_tool_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "grüße", "x" * 129, "a\n", "a\0", None, 5, "а"])
def test_illegal_tool_names(name: object) -> None:
    assert not is_tool_name(name)


def feed_all(parser: LineSplitter | SseParser, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        parser.feed(chunk)


# --- lines


@given(st.lists(st.binary(max_size=20)), st.data())
def test_lines_are_the_same_however_they_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"\n".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    splitter = LineSplitter(1000)
    lines: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        lines += splitter.feed(whole[start:end])
    assert lines == whole.split(b"\n")[:-1]


@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x" * 11 + b"\n"], [b"a\n" + b"x" * 11], [b"x"] * 11])
def test_a_line_over_the_limit_is_refused(chunks: list[bytes]) -> None:
    with pytest.raises(RequestError):
        feed_all(LineSplitter(10), chunks)


def test_a_line_at_the_limit_is_read() -> None:
    assert LineSplitter(10).feed(b"x" * 10 + b"\n") == [b"x" * 10]


# --- events

STREAM = (
    b"\xef\xbb\xbf: hello\n\ndata: one\n\nevent: other\r\ndata:two\r\ndata: more\r\n\r\nid: 5\rretry: 1\rdata\r\rdata: lost"
)


def test_events_are_read_as_the_standard_says() -> None:
    assert SseParser(1000).feed(STREAM) == [Event(b"one"), Event(b"two\nmore", "other"), Event(b"")]


@given(st.data())
def test_events_are_the_same_however_they_are_cut(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(STREAM)), max_size=8)))
    parser = SseParser(1000)
    events: list[Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True):
        events += parser.feed(STREAM[start:end])
    assert events == SseParser(1000).feed(STREAM)


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_no_bytes_do_anything_but_be_read_or_refused(chunks: list[bytes]) -> None:
    with suppress(RequestError):
        feed_all(SseParser(100), chunks)


@pytest.mark.parametrize("data", [b"data: " + b"x" * 200, b": " + b"x" * 200, b"data: x\n" * 30, b"data\n" * 30, b"x" * 200])
def test_an_event_over_the_limit_is_refused_in_one_piece_or_byte_by_byte(data: bytes) -> None:
    with pytest.raises(RequestError):
        SseParser(100).feed(data)
    with pytest.raises(RequestError):
        feed_all(SseParser(100), [bytes([byte]) for byte in data])


def test_a_small_event_after_many_is_within_the_limit() -> None:
    parser = SseParser(100)
    assert len(parser.feed(b"data: x\n\n" * 1000)) == 1000
    assert parser.feed(b": ping\n\n" * 1000) == []
