"""What is charged of a stream that did not end: never less than it said, never more than was held, more for more of it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.metering.events import ANSWER, PING, closed, event, opened, part, start, text, totals
from tests.servers.model_script import PER_EVENT, Script, stream_of

from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.bound import Bound, bound_of, worst_tokens
from ringfence.core.metering.prices import cost
from ringfence.core.metering.request import Fallback, ModelRequest, ServerTool, read_request
from ringfence.core.metering.stream import CutKind, MessageStream
from ringfence.core.metering.unfinished import AHEAD, Seen, most_made
from ringfence.core.metering.usage import Settled, settled

REQUEST = ModelRequest(model="claude-opus-5", max_tokens=100_000, text_bytes=10_000, may_think=False)
THINKS = replace(REQUEST, may_think=True)
BEGUN = start(input_tokens=20, output_tokens=1) + opened({"type": "text", "text": ""})


def bound(request: ModelRequest = REQUEST) -> Bound:
    found = bound_of(request, PRICES)
    assert isinstance(found, Bound)
    return found


def cut(data: bytes, request: ModelRequest = REQUEST) -> Settled:
    """What is charged when a stream is cut after these bytes."""
    stream = MessageStream()
    stream.feed(data)
    stream.cut(CutKind.KILLED, "")
    return settled(stream.reported, request, bound(request), stream.seen)


def out(data: bytes, request: ModelRequest = REQUEST) -> int:
    return cut(data, request).usage.tokens.output


def thinking(said: str = "", index: int = 0) -> bytes:
    return event("content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": said})


def test_what_was_shown_counts_a_token_for_each_byte_and_some_that_had_not_arrived() -> None:
    assert out(BEGUN) == 1 + AHEAD
    said = "Hello, here is a sentence."
    assert 1 + len(said) + AHEAD <= out(BEGUN + text(said)) <= 1 + len(said) + 3 + AHEAD
    assert not cut(BEGUN + text(said)).is_exact


def test_letters_that_take_several_bytes_count_as_many_at_least() -> None:
    for said in ("é" * 50, "漢" * 50, "🎈" * 50, '\\"\n' * 50):
        assert out(BEGUN + text(said)) >= 1 + len(said.encode()) + AHEAD


def test_the_way_in_which_the_json_is_written_hides_nothing() -> None:
    said = "x" * 500
    compact = json.dumps({"delta": {"text": said, "type": "text_delta"}, "type": "content_block_delta"}, separators=(",", ":"))
    for data in (
        f"event: content_block_delta\ndata: {compact}\n\n",
        f"event: content_block_delta\r\ndata:{compact}\r\n\r\n",
        f"data: {compact}\n\n",
        f"event: content_block_delta\ndata: {compact}",
        f"event: content_of_next_year\ndata: {compact}\n\n",
    ):
        assert 1 + 500 + AHEAD <= out(BEGUN + data.encode()) <= 1 + 500 + 150 + AHEAD


def test_content_of_a_kind_that_nobody_knows_may_hide_anything() -> None:
    assert out(BEGUN + event("content_block_delta", delta={"type": "of_next_year", "words": "abc"}) + text("abc")) == 100_000
    assert out(BEGUN + event("of_next_year", words="abc") + text("abc")) == 100_000


def test_a_count_takes_the_place_of_what_came_before_it() -> None:
    assert out(BEGUN + text("x" * 900) + totals(None, output_tokens=300)) == 300 + AHEAD
    assert out(BEGUN + text("x" * 900) + totals(None, output_tokens=300) + text("x" * 40)) <= 300 + 43 + AHEAD


def test_a_stream_that_breaks_off_after_its_totals_is_charged_exactly_them() -> None:
    found = cut(BEGUN + text("x" * 900) + totals(output_tokens=300))
    assert (found.usage.tokens.output, found.is_exact) == (300, True)


def test_what_a_tool_is_given_is_shown_and_counts_with_its_name() -> None:
    use = opened({"type": "tool_use", "id": "toolu_1", "name": "pay", "input": {}}, 1)
    expected = 1 + len("toolu_1pay") + len('{"amount": 12}') + AHEAD
    assert expected <= out(BEGUN + closed() + use + part('{"amount": 12}', 1)) <= expected + 150


def test_pings_and_comments_are_not_of_the_models_making() -> None:
    assert out(BEGUN + text("abc") + PING * 100 + b": comment\n\n" * 100) == out(BEGUN + text("abc"))


@pytest.mark.parametrize(
    "begun",
    [
        start(input_tokens=20, output_tokens=1),
        BEGUN + text("abc") + closed(),
        start(input_tokens=20) + opened({"type": "thinking", "thinking": "", "signature": ""}),
        start(input_tokens=20) + opened({"type": "thinking"}) + thinking("hm") + closed() + text("abc", 1),
        start(input_tokens=20) + opened({"type": "redacted_thinking", "data": "abc"}) + closed() + text("abc", 1),
        start(input_tokens=20) + thinking("hm") + text("abc", 1),
        start(input_tokens=20) + opened({"type": "of_next_year"}) + closed() + text("abc", 1),
    ],
)
def test_where_a_model_may_have_thought_unseen_its_budget_stands_or_all_that_it_may_say(begun: bytes) -> None:
    assert out(begun, THINKS) == 100_000
    budget = replace(THINKS, thinking=2000)
    assert 2000 + AHEAD <= out(begun, budget) <= 2000 + AHEAD + 400


def test_while_a_text_is_written_that_nothing_unseen_came_before_nothing_is_hidden() -> None:
    assert out(BEGUN + text("abc"), THINKS) <= 1 + 6 + AHEAD
    counted = BEGUN + thinking("hm") + totals(None, output_tokens=50) + text("abc")
    assert out(counted, THINKS) <= 50 + 6 + AHEAD


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, server_tools=(ServerTool(kind="web_search", most=1),)),
        replace(REQUEST, fallbacks=(Fallback(model="claude-haiku-4-5", max_tokens=10),)),
        replace(REQUEST, mcp_servers=("https://mcp.example",)),
        replace(REQUEST, container=True),
        replace(REQUEST, compacts=True),
    ],
)
def test_of_answers_that_take_several_samplings_the_worst_stands(request_: ModelRequest) -> None:
    found = cut(BEGUN + text("abc"), request_)
    assert found.usage.all_tokens.output == bound(request_).output


@pytest.mark.parametrize("count", [10**13, -1, True, "300", 1.5, None])
def test_totals_that_are_no_count_end_nothing(count: Any) -> None:
    found = cut(BEGUN + text("abc") + totals(output_tokens=count))
    assert found.usage.tokens.output >= 1 + len("abc") + AHEAD
    assert not found.is_exact


def test_of_a_stream_that_could_not_be_read_the_worst_stands() -> None:
    damaged = BEGUN + b'event: message_delta\ndata: {"usage": {"output_tokens"\n\n' + text("abc")
    assert out(damaged) == 100_000
    assert out(PING) == 100_000


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({}, True),
        ({"thinking": None}, True),
        ({"thinking": {"type": "adaptive"}}, True),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, True),
        ({"thinking": {"type": "of_next_year"}}, True),
        ({"thinking": {"type": "disabled"}}, False),
    ],
)
def test_only_a_request_that_says_so_keeps_a_model_from_thinking(member: dict[str, Any], expected: bool) -> None:
    request = read_request(json.dumps({"model": "m", "max_tokens": 1, **member}).encode())
    assert isinstance(request, ModelRequest)
    assert request.may_think is expected


SEEN = st.builds(Seen, size=st.integers(0, 3000), is_shown=st.booleans(), has_hidden=st.booleans())
REQUESTS = st.builds(
    ModelRequest,
    model=st.just("claude-opus-5"),
    max_tokens=st.integers(1, 5000),
    text_bytes=st.integers(0, 5000),
    thinking=st.sampled_from([0, 1024, 4000]),
    may_think=st.booleans(),
)


@given(st.integers(0, 6000), SEEN, REQUESTS, st.integers(0, 500))
def test_it_is_never_less_than_what_was_said_nor_more_than_was_held_and_grows_with_what_was_seen(
    counted: int, seen: Seen, request: ModelRequest, more: int
) -> None:
    most = worst_tokens(bound(request)).output
    found = most_made(counted, seen, request, most)
    assert found >= counted
    assert found <= max(most, counted)
    assert most_made(counted, replace(seen, size=seen.size + more), request, most) >= found
    assert most_made(counted, replace(seen, has_hidden=True), request, most) >= found
    assert most_made(counted + more, seen, request, most) >= found


@given(st.lists(st.text(max_size=30), max_size=12), st.integers(0, 400), REQUESTS)
def test_wherever_a_stream_is_cut_it_costs_at_least_what_it_would_have_and_at_most_what_was_held(
    said: list[str], per_byte: int, request: ModelRequest
) -> None:
    # A vendor whose tokens are as short as can be, one for each byte, or longer ones.
    whole = BEGUN
    made = 1
    for each in said:
        whole += text(each)
        made += len(each.encode("utf-8", "surrogatepass")) * per_byte // 400
        tokens = cut(whole, request).usage.tokens.output
        assert min(made, request.max_tokens) <= tokens <= worst_tokens(bound(request)).output
        price = cost(cut(whole, request).usage, PRICES)
        assert price is not None
        assert price <= bound(request).micro


@given(st.integers(0, len(ANSWER)), st.integers(1, 40))
def test_in_any_pieces_the_same_is_charged(end: int, size: int) -> None:
    pieces = MessageStream()
    for at in range(0, end, size):
        pieces.feed(ANSWER[at : min(at + size, end)])
    pieces.cut(CutKind.KILLED, "")
    assert settled(pieces.reported, THINKS, bound(THINKS), pieces.seen) == cut(ANSWER[:end], THINKS)


SCRIPTS = st.builds(
    Script,
    text=st.lists(st.text(min_size=3, max_size=20), min_size=1, max_size=6).map(tuple),
    thinking=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    tools=st.lists(st.tuples(st.just("pay"), st.dictionaries(st.text(max_size=5), st.integers())), max_size=2).map(tuple),
    ping_each=st.integers(0, 2),
    unknown_events=st.booleans(),
    line_break=st.sampled_from(["\n", "\r\n", "\r"]),
)


@given(SCRIPTS, st.data())
def test_whatever_a_model_says_it_is_never_billed_more_than_is_charged_wherever_it_is_cut(
    script: Script, drawn: st.DataObject
) -> None:
    pieces = list(stream_of(script, "msg_1", "claude-opus-5", 20))
    kept = pieces[: drawn.draw(st.integers(0, len(pieces)))]
    data, made = b"".join(piece.data for piece in kept), sum(piece.is_part for piece in kept)
    found = cut(data, replace(THINKS, max_tokens=script.parts() * PER_EVENT))
    billed = script.bill(20, made)
    assert found.usage.tokens.output >= (billed["output_tokens"] if data else 0)
    assert found.usage.tokens.prompt >= billed["input_tokens"]
