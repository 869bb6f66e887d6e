"""What goes through a stream is what came in, in whole events; usage and tools are seen on the way; a cut is final."""

import json
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.core.metering.events import ANSWER, PING, STOP, closed, event, opened, part, start, text, totals

from ringfence.core.metering.stream import HOLD, Command, Cut, CutKind, Forward, MessageStream
from ringfence.core.strict_json.canonical import digest_of

BREAKS = (b"\n", b"\r\n", b"\r")


def forwarded(commands: list[Command]) -> bytes:
    return b"".join(command.data for command in commands if isinstance(command, Forward))


def all_of(stream: MessageStream, data: bytes, sizes: list[int]) -> list[Command]:
    """Feed in pieces of these sizes, over and over, and finish."""
    commands: list[Command] = []
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        commands += stream.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    return [*commands, *stream.finish()]


def seen(stream: MessageStream) -> tuple[object, ...]:
    return (stream.reported, stream.uses, stream.results, stream.stop_reason, stream.error, stream.is_complete, stream.events)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.sampled_from(BREAKS))
def test_in_any_pieces_the_same_bytes_go_out_and_the_same_is_seen(sizes: list[int], line_break: bytes):
    data = ANSWER.replace(b"\n", line_break)
    whole, pieces = MessageStream(), MessageStream()
    assert forwarded(all_of(whole, data, [len(data)])) == data
    assert forwarded(all_of(pieces, data, sizes)) == data
    assert seen(pieces) == seen(whole)
    assert pieces.reported.output == 42
    assert pieces.is_complete


TOOL = opened({"type": "tool_use", "id": "t", "name": "p", "input": {}})
COUNTED = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}, usage={"output_tokens": 5, "x": "y"})
EVENTS = st.sampled_from([
    text("Hello"), text("7 of 12"), text('he said "}} and \\n'), text("{}"), text(""), text("other", 3), text('"usage"'), PING,
    part('{"amount": 1'), opened({"type": "text", "text": ""}), closed(), totals(None, output_tokens=3),
    TOOL,
    event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"}),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a", "later": {"text": "b"}}),
    COUNTED,
    b'event: content_block_delta\ndata: {"text":"a"}}}\n\n', b'event: content_block_delta\ndata: {"text":"}}}\n\n',
    b'event: content_block_delta\ndata: {"text":"a"\n\n', b'event: content_block_delta\ndata: {"text":"a"\ndata: "}}}\n\n',
    b'event: content_block_delta\nid: 1\ndata: {"text":"a"}}\n\n', b"event: content_block_delta\ndata: \n\n",
])  # fmt: skip


@settings(max_examples=400)
@given(
    st.lists(st.tuples(st.lists(EVENTS, min_size=1, max_size=4), st.integers(1, 4)), max_size=8),
    st.lists(st.integers(1, 700), min_size=1, max_size=5),
)
@example([([part("1")], 1), ([TOOL], 1), ([part("2")], 2), ([closed()], 1)], [1])
@example([([text("a")], 1), ([COUNTED], 1)], [1])
@example([([text("a")], 3), ([PING], 1), ([text("b")], 3), ([text("c")], 3)], [5000])
def test_many_events_at_once_are_read_as_each_of_them_in_two_halves(groups: list[tuple[list[bytes], int]], sizes: list[int]):
    at_once, halves, pieces = MessageStream(), MessageStream(), MessageStream()
    for group, times in groups:
        at_once.feed(b"".join(group) * times)
        for each in group * times:
            halves.feed(each[: len(each) // 2])
            halves.feed(each[len(each) // 2 :])
    all_of(pieces, b"".join(b"".join(group) * times for group, times in groups), sizes)
    at_once.finish()
    halves.finish()
    assert seen(pieces) == seen(at_once) == seen(halves)
    assert (pieces.seen, pieces.answer, pieces.forwarded) == (halves.seen, halves.answer, halves.forwarded)
    assert (at_once.seen, at_once.answer, at_once.forwarded) == (halves.seen, halves.answer, halves.forwarded)


LINES = st.sampled_from([
    b"event: message_start", b"event: content_block_delta", b"event: message_delta", b"event: later_than_us",
    b"data: {", b"data:}",
    b'data: {"type":"message_delta","delta":{"stop_reason":"x"},"usage":{"output_tokens":9}}', b": comment", b":", b"id: 3",
    b"retry: 10", b"nonsense", b"data", b"\xef\xbb\xbfdata: x", b"\xff\xfe", b"",
])  # fmt: skip


@settings(max_examples=400)
@given(
    st.lists(st.tuples(LINES, st.sampled_from(BREAKS)), max_size=40),
    st.binary(max_size=6),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
)
def test_whatever_comes_goes_out_unchanged_for_every_chunking(lines: list[tuple[bytes, bytes]], rest: bytes, sizes: list[int]):
    data = b"".join(line + end for line, end in lines) + rest
    stream, whole = MessageStream(), MessageStream()
    assert forwarded(all_of(stream, data, sizes)) == data
    assert forwarded(all_of(whole, data, [max(len(data), 1)])) == data
    assert stream.reported == whole.reported
    assert stream.forwarded == len(data)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.sampled_from(BREAKS))
def test_what_was_forwarded_always_ends_where_an_event_ends(sizes: list[int], line_break: bytes):
    data = ANSWER.replace(b"\n", line_break)
    stream, out, at = MessageStream(), b"", 0
    for turn in range(len(data)):
        size = sizes[turn % len(sizes)]
        out += forwarded(list(stream.feed(data[at : at + size])))
        at += size
        assert not out or out.endswith((line_break * 2, line_break * 2 + b"\n", b"\r\n\r"))


def test_an_event_is_forwarded_as_soon_as_it_is_whole():
    stream = MessageStream()
    assert stream.feed(PING[:-1]) == (HOLD,)
    assert stream.feed(PING[-1:]) == (Forward(PING),)
    assert stream.feed(b"") == (HOLD,)


def test_an_event_that_ends_in_a_carriage_return_does_not_wait_for_a_line_feed():
    stream = MessageStream()
    assert stream.feed(b"event: ping\r\ndata: {}\r\n\r") == (Forward(b"event: ping\r\ndata: {}\r\n\r"),)
    assert stream.feed(b"\nevent: p") == (Forward(b"\n"),)
    assert stream.events == 1


@pytest.mark.parametrize("comment", [b": keep\n", b":\r\n", b"\n", b": a\n: b\n\n"])
def test_a_comment_that_stands_alone_is_not_held(comment: bytes):
    stream = MessageStream()
    assert forwarded(list(stream.feed(comment))) == comment
    assert forwarded(list(stream.feed(STOP))) == STOP
    assert stream.is_complete


def test_a_byte_order_mark_at_the_beginning_is_read_over_and_forwarded():
    stream = MessageStream()
    assert forwarded(list(stream.feed(b"\xef\xbb\xbf" + start(input_tokens=3, output_tokens=0)))).startswith(b"\xef\xbb\xbf")
    assert stream.reported.plain == 3


def test_data_in_several_lines_is_one_text():
    stream = MessageStream()
    stream.feed(b'event: message_delta\ndata: {"type":"message_delta",\ndata:"delta":{"stop_reason":"end_turn"},\n')
    stream.feed(b'data: "usage":{"output_tokens":8}}\n\n')
    assert stream.reported.output == 8
    stream.finish()
    assert stream.reported.is_final


def test_usage_is_found_wherever_it_stands():
    stream = MessageStream()
    stream.feed(event("of_next_year", usage={"output_tokens": 11}))
    stream.feed(b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":12}}\n\n')
    stream.feed(b'event: content_block_delta\ndata: {"type":"x","usage":{"output_tokens":13}}\n\n')
    assert stream.reported.output == 13


def test_running_totals_never_fall():
    stream = MessageStream()
    for count in (5, 9, 2):
        stream.feed(totals(None, output_tokens=count))
    assert stream.reported.output == 9
    stream.finish()
    assert not stream.reported.is_final


def test_a_tool_is_seen_with_the_digest_of_its_input():
    stream = MessageStream()
    stream.feed(ANSWER)
    (use,) = stream.uses
    assert (use.id, use.name, use.kind) == ("toolu_1", "pay", "tool_use")
    assert use.arguments == digest_of({"amount": 12, "to": "é"})
    assert stream.stop_reason == "tool_use"


def test_a_tool_without_parts_has_the_input_that_it_began_with():
    stream = MessageStream()
    stream.feed(opened({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": 1}}) + closed())
    assert stream.uses[0].arguments == digest_of({"q": 1})


@pytest.mark.parametrize("written", ['{"a": 1', '{"a":1,"a":2}', "\ud800"])
def test_an_input_that_cannot_be_read_has_no_digest(written: str):
    stream = MessageStream()
    stream.feed(opened({"type": "tool_use", "id": "t", "name": "n", "input": {}}) + part(written) + closed())
    assert stream.uses[0].arguments is None
    assert stream.uses[0].name == "n"


def test_tools_that_are_written_at_the_same_time_are_told_apart():
    stream = MessageStream()
    for index in (0, 1):
        stream.feed(opened({"type": "tool_use", "id": f"t{index}", "name": "n", "input": {}}, index))
    stream.feed(part('{"a":', 0) + part('{"b":', 1) + part("0}", 0) + part("1}", 1) + closed(0) + closed(1))
    assert [use.arguments for use in stream.uses] == [digest_of({"a": 0}), digest_of({"b": 1})]


def test_results_of_tools_that_the_vendor_runs_are_seen():
    stream = MessageStream()
    stream.feed(opened({"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result"}]}))
    assert stream.results[0].id == "s1"
    assert stream.results[0].content == digest_of([{"type": "web_search_result"}])


def test_an_event_larger_than_the_most_cuts_the_stream():
    stream = MessageStream(largest_event=100)
    commands = stream.feed(PING + b"data: " + b"x" * 100)
    assert commands[0] == Forward(PING)
    assert isinstance(commands[1], Cut)
    assert stream.feed(PING) == ()
    assert stream.finish() == ()


def test_after_a_cut_nothing_is_forwarded_and_the_client_is_told_once():
    stream = MessageStream()
    stream.feed(start(input_tokens=3, output_tokens=1) + text("a") + text("b")[:-1])
    told = stream.cut(CutKind.KILLED, "stopped by a person\n\nevent: message_stop")
    name, data, *rest = told.split(b"\n")
    assert name == b"event: error"
    assert json.loads(data.removeprefix(b"data: "))["error"]["type"] == "permission_error"
    assert rest == [b"", b""]
    assert stream.feed(b"\n" + text("c")) == ()
    assert stream.finish() == ()
    assert stream.cut(CutKind.KILLED, "again") == b""
    assert not stream.reported.is_final


@pytest.mark.parametrize("kind", [CutKind.BUDGET, CutKind.PAUSED, CutKind.FAULT])
def test_the_error_event_of_a_cut_is_one_that_this_object_reads_as_an_error(kind: CutKind):
    told = MessageStream().cut(kind, "why")
    reader = MessageStream()
    assert reader.feed(told) == (Forward(told),)
    assert reader.error == kind


def test_a_client_that_has_the_whole_answer_is_told_nothing():
    stream = MessageStream()
    stream.feed(ANSWER)
    assert stream.cut(CutKind.KILLED, "late") == b""
    assert stream.reported.is_final
    assert MessageStream().cut(CutKind.SILENT, "why") == b""


def test_a_stream_that_breaks_off_after_its_totals_is_known():
    stream = MessageStream()
    stream.feed(ANSWER.removesuffix(STOP))
    stream.finish()
    assert stream.reported.is_final
    assert not stream.is_complete


@pytest.mark.parametrize("kept", [1, 3, 6])
def test_a_stream_that_breaks_off_before_its_totals_is_not_known(kept: int):
    stream = MessageStream()
    events = ANSWER.split(b"\n\n")
    stream.feed(b"\n\n".join(events[:kept]) + b"\n\n")
    stream.finish()
    assert not stream.reported.is_final


def test_an_event_that_counts_and_cannot_be_read_leaves_the_answer_unknown():
    stream = MessageStream()
    stream.feed(start(input_tokens=3, output_tokens=1))
    assert forwarded(list(stream.feed(b'event: message_delta\ndata: {"a":1,"a":2}\n\n'))) != b""
    stream.feed(totals(output_tokens=4) + STOP)
    stream.finish()
    assert stream.is_damaged
    assert not stream.reported.is_final


def test_an_error_in_the_middle_is_noticed():
    stream = MessageStream()
    stream.feed(start(input_tokens=3, output_tokens=1) + event("error", error={"type": "overloaded_error", "message": "x"}))
    stream.finish()
    assert stream.error == "overloaded_error"
    assert not stream.reported.is_final


def test_memory_stays_flat_over_a_long_stream():
    stream = MessageStream()
    chunk = text("x" * 900) * 64
    order = random.Random(7)
    for _ in range(300):
        at = order.randrange(len(chunk))
        stream.feed(chunk[:at])
        stream.feed(chunk[at:])
    assert stream.forwarded == 300 * len(chunk)
    assert stream.feed(b"") == (HOLD,)
    assert not stream.uses
    assert not stream.results


def test_tools_that_are_noted_are_bounded():
    stream = MessageStream()
    for index in range(1100):
        stream.feed(opened({"type": "tool_use", "id": str(index), "name": "n" * 900, "input": {}}) + closed())
        stream.feed(opened({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}))
    for index in range(500):
        stream.feed(opened({"type": "tool_use", "id": "t", "name": "n", "input": {}}, index))
    assert len(stream.uses) == len(stream.results) == 1000
    assert len(stream.uses[0].name) == 200
