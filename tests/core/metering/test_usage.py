"""What an answer is charged: what it said, to the token, and the worst for what it did not say."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.bound import Bound, bound_of
from ringfence.core.metering.prices import cost
from ringfence.core.metering.request import CacheUse, Fallback, ModelRequest, ServerTool
from ringfence.core.metering.tokens import CONTAINER, WEB_SEARCH, Tokens
from ringfence.core.metering.usage import UNKNOWN, Reported, ended, read_answer, refused, settled, told
from ringfence.core.strict_json.canonical import digest_of

REQUEST = ModelRequest(model="claude-opus-5", max_tokens=1000, text_bytes=10_000, cache=CacheUse.FIVE_MINUTES)
START = {
    "input_tokens": 20, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 5, "output_tokens": 1,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
}  # fmt: skip


def bound(request: ModelRequest = REQUEST) -> Bound:
    found = bound_of(request, PRICES)
    assert isinstance(found, Bound)
    return found


def test_a_whole_answer_is_charged_to_the_token():
    message = {
        "type": "message",
        "model": "claude-opus-5",
        "content": [],
        "stop_reason": "end_turn",
        "usage": START | {"output_tokens": 42},
    }
    answer = read_answer(message)
    found = settled(answer.reported, REQUEST, bound())
    assert found.is_exact
    assert found.usage.tokens == Tokens(plain=20, write_5m=10, write_1h=20, read=5, output=42)
    assert answer.stop_reason == "end_turn"


def test_a_stream_is_charged_what_its_last_totals_say():
    reported = ended(told(told(UNKNOWN, START, "claude-opus-5"), {"output_tokens": 900}))
    assert settled(reported, REQUEST, bound()).usage.tokens == Tokens(plain=20, write_5m=10, write_1h=20, read=5, output=900)


@pytest.mark.parametrize(
    ("cache", "five", "hour"), [(CacheUse.NONE, 30, 0), (CacheUse.FIVE_MINUTES, 30, 0), (CacheUse.HOUR, 0, 30)]
)
def test_what_is_not_split_was_kept_for_as_long_as_the_request_asked(cache: CacheUse, five: int, hour: int):
    reported = ended(told(UNKNOWN, {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 30}))
    tokens = settled(reported, replace(REQUEST, cache=cache), bound()).usage.tokens
    assert (tokens.write_5m, tokens.write_1h) == (five, hour)


def test_of_a_stream_that_was_cut_the_prompt_is_known_and_the_worst_stands_for_the_rest():
    found = settled(told(UNKNOWN, START, "claude-opus-5"), REQUEST, bound())
    assert not found.is_exact
    assert found.usage.tokens == Tokens(plain=20, write_5m=10, write_1h=20, read=5, output=1000)


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("geo", ["", "us", "global"])
def test_of_an_answer_that_said_nothing_what_was_held_is_what_it_costs(geo: str):
    request = replace(REQUEST, geo=geo)
    assert cost(settled(UNKNOWN, request, bound(request)).usage, PRICES) == bound(request).micro


def test_of_an_answer_that_ended_and_named_no_place_the_usual_one_counts():
    assert not settled(ended(told(UNKNOWN, START)), REQUEST, bound()).usage.us_only


def test_of_an_answer_that_said_nothing_the_worst_stands_for_all():
    found = settled(UNKNOWN, REQUEST, bound())
    assert not found.is_exact
    assert found.usage.tokens.total == bound().tokens
    charged = cost(found.usage, PRICES)
    assert charged is not None
    assert charged <= bound().micro


def test_further_turns_of_a_stream_that_was_cut_are_not_known():
    request = replace(REQUEST, server_tools=(ServerTool(kind="web_search", most=2),))
    found = settled(told(UNKNOWN, START), request, bound(request))
    assert found.usage.tokens.prompt == bound(request).prompt
    assert found.usage.tools == {WEB_SEARCH: 2}
    done = settled(ended(told(told(UNKNOWN, START), {"output_tokens": 5})), request, bound(request))
    assert done.usage.tools == {}


def test_uses_of_server_tools_are_charged_as_reported_and_a_container_always():
    request = replace(REQUEST, container=True, server_tools=(ServerTool(kind="web_search", most=5),))
    used = START | {"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}}
    found = settled(ended(told(UNKNOWN, used)), request, bound(request))
    assert found.usage.tools == {WEB_SEARCH: 2, CONTAINER: 1}


def test_samplings_besides_the_totals_are_charged_at_their_own_model():
    iterations = [
        {"type": "message", "input_tokens": 20, "output_tokens": 1},
        {"type": "advisor_message", "model": "claude-fable-5", "input_tokens": 7, "output_tokens": 8},
        {
            "type": "compaction",
            "input_tokens": 3,
            "output_tokens": 4,
            "cache_creation_input_tokens": 5,
            "cache_read_input_tokens": 6,
        },
    ]
    found = settled(ended(told(UNKNOWN, START | {"iterations": iterations}, "claude-opus-5")), REQUEST, bound())
    assert found.usage.besides == (
        ("claude-fable-5", Tokens(plain=7, output=8)),
        ("claude-opus-5", Tokens(plain=3, write_1h=5, read=6, output=4)),
    )


def test_a_kind_of_sampling_that_nobody_knows_is_charged_besides():
    iterations = [{"type": "message", "input_tokens": 20, "output_tokens": 1}, {"type": "of_next_year", "output_tokens": 500}]
    found = settled(ended(told(UNKNOWN, START | {"iterations": iterations}, "claude-opus-5")), REQUEST, bound())
    assert found.usage.besides == (("claude-opus-5", Tokens(output=500)),)


def test_an_attempt_that_gave_way_to_a_fallback_is_charged_too():
    iterations = [
        {"type": "message", "model": "claude-fable-5", "input_tokens": 20, "output_tokens": 1},
        {"type": "fallback_message", "model": "claude-opus-5", "input_tokens": 20, "output_tokens": 9},
    ]
    found = told(UNKNOWN, START | {"iterations": iterations}, "claude-opus-5")
    assert found.besides == (("claude-fable-5", Tokens(plain=20, output=1)),)
    request = replace(REQUEST, fallbacks=(Fallback(model="claude-haiku-4-5", max_tokens=10),))
    cut = settled(UNKNOWN, request, bound(request)).usage
    assert [model for model, _ in cut.besides] == ["claude-haiku-4-5"]


def test_speed_place_and_batch_come_from_the_answer_and_else_from_the_request():
    request = replace(REQUEST, fast=True, geo="us")
    asked = settled(ended(told(UNKNOWN, START)), request, bound(request)).usage
    assert (asked.fast, asked.us_only, asked.batch) == (True, True, False)
    given_ = START | {"speed": "standard", "inference_geo": "global", "service_tier": "batch"}
    answered = settled(ended(told(UNKNOWN, given_)), request, bound(request)).usage
    assert (answered.fast, answered.us_only, answered.batch) == (False, False, True)


def test_a_request_that_was_refused_is_charged_nothing():
    assert refused(REQUEST).usage.all_tokens == Tokens()
    assert refused(REQUEST).is_exact


COUNT = st.integers(-3, 50) | st.sampled_from([10**13, True, None, "7", 1.5])
USAGES = st.dictionaries(
    st.sampled_from(["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]), COUNT
)


@given(st.lists(USAGES, max_size=6))
def test_counts_never_fall_whatever_is_said(said: list[dict[str, Any]]):
    reported = UNKNOWN
    for usage in said:
        after = told(reported, usage)
        for name in ("plain", "written", "read", "output"):
            before, now = getattr(reported, name), getattr(after, name)
            assert before is None or now >= before
        reported = after


@given(st.permutations([START, {"output_tokens": 7}, {"output_tokens": 9, "input_tokens": 21}, {}]))
def test_the_order_of_reports_does_not_matter(order: list[dict[str, Any]]):
    reported = UNKNOWN
    for usage in order:
        reported = told(reported, usage)
    assert (reported.plain, reported.output, reported.written) == (21, 9, 30)


NOTHING_SAID: list[Any] = [
    None,
    3,
    [],
    "x",
    {"type": "error"},
    {"type": "message", "usage": 4},
    {"type": "message", "content": 3},
]


@pytest.mark.parametrize("value", NOTHING_SAID)
def test_an_answer_that_says_nothing_of_usage_is_not_known(value: Any):
    assert not read_answer(value).reported.is_known


@given(
    st.builds(Reported, plain=st.none() | st.integers(0, 9000), output=st.none() | st.integers(0, 1000), is_final=st.booleans())
)
def test_less_said_never_costs_less(reported: Reported):
    whole = settled(replace(reported, plain=reported.plain or 0, output=reported.output or 0, is_final=True), REQUEST, bound())
    part = settled(reported, REQUEST, bound())
    costs = cost(whole.usage, PRICES), cost(part.usage, PRICES)
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[0] <= costs[1] <= bound().micro


def test_tools_of_a_whole_answer_are_seen():
    content = [
        {"type": "text", "text": "x"},
        {"type": "tool_use", "id": "t", "name": "pay", "input": {"a": 1}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    ]
    answer = read_answer({"type": "message", "content": content, "usage": START})
    assert answer.uses[0].arguments == digest_of({"a": 1})
    assert answer.results[0].id == "s"
