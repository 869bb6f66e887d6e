"""What is reserved is never less than what an answer can use and cost."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.metering.anthropic_prices import MODELS, PRICES
from ringfence.core.metering.bound import DEFAULTS, Allowances, Bound, Unbounded, bound_of, most_output
from ringfence.core.metering.prices import Prices, cost
from ringfence.core.metering.request import Fallback, ModelRequest, ServerTool, read_request
from ringfence.core.metering.tokens import CONTAINER, WEB_SEARCH, Tokens, Usage

PLAIN = ModelRequest(model="claude-opus-5", max_tokens=1000, text_bytes=10_000)
NAMES = st.sampled_from([*MODELS, "claude-of-next-year", "us.anthropic.claude-opus-4-5-20251101-v1:0"])


def bound(request: ModelRequest, allowances: Allowances = DEFAULTS) -> Bound:
    found = bound_of(request, PRICES, allowances)
    assert isinstance(found, Bound)
    return found


@pytest.mark.requirement("I7")
@given(st.text(max_size=300), st.booleans())
def test_the_bytes_of_a_body_are_at_least_the_bytes_of_its_texts(said: str, escaped: bool):
    data = json.dumps(
        {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": said}]}, ensure_ascii=escaped
    ).encode("utf-8", "surrogatepass")
    found = read_request(data)
    if isinstance(found, ModelRequest):
        assert found.text_bytes >= len(said.encode())


def test_a_plain_request_is_its_bytes_and_its_max_tokens():
    found = bound(PLAIN)
    assert found.prompt == 10_000 + DEFAULTS.overhead
    assert found.output == 1000
    assert found.micro == -(-(14_096 * 10_000_000 + 1000 * 25_000_000) * 110 // 10**8)


SHARES = st.tuples(*[st.integers(0, 1000)] * 4)


@pytest.mark.requirement("I7")
@given(
    NAMES, st.integers(0, 2_000_000), st.integers(0, 128_000), SHARES, st.integers(0, 1000), st.booleans(),
    st.sampled_from(["", "us", "global", "eu"]), st.booleans(),
)  # fmt: skip
def test_no_answer_within_the_bound_costs_more_than_it(
    model: str, text: int, most: int, shares: tuple[int, ...], said: int, fast: bool, geo: str, batch: bool
):
    request = ModelRequest(model=model, max_tokens=most, text_bytes=text, fast=fast, geo=geo)
    found = bound(request)
    whole = max(sum(shares), 1)
    plain, five, hour, read = (found.prompt * share // whole for share in shares)
    tokens = Tokens(plain=plain, write_5m=five, write_1h=hour, read=read, output=most * said // 1000)
    spent = cost(Usage(model=model, tokens=tokens, fast=fast, us_only=geo in ("us", ""), batch=batch), PRICES)
    assert spent is not None
    assert spent <= found.micro


def test_thinking_beyond_max_tokens_counts():
    assert bound(replace(PLAIN, thinking=5000)).output == 5000


def test_a_prompt_is_never_more_than_the_model_takes():
    assert bound(replace(PLAIN, text_bytes=30_000_000)).prompt == 1_000_000
    assert bound(replace(PLAIN, text_bytes=30_000_000, model="claude-haiku-4-5")).prompt == 200_000


def test_images_have_a_stated_most_and_documents_a_whole_context():
    assert bound(replace(PLAIN, images=2)).prompt == bound(PLAIN).prompt + 10_000
    for request in (replace(PLAIN, documents=1), replace(PLAIN, remote=1)):
        assert bound(request).prompt == 1_000_000
        assert bound(request, Allowances(document=7, remote=7)).prompt == bound(PLAIN).prompt + 7


def test_server_tools_take_a_context_for_each_turn_and_cost_per_use():
    found = bound(replace(PLAIN, server_tools=(ServerTool(kind="web_search", most=3),)))
    assert found.prompt == 4_000_000
    assert found.output == 4000
    assert found.tools == ((WEB_SEARCH, 3),)
    assert bound(replace(PLAIN, server_tools=(ServerTool(kind="web_search"),))).tools == ((WEB_SEARCH, 10),)


def test_code_execution_costs_a_container():
    plain = bound(replace(PLAIN, container=True))
    assert plain.tools == ((CONTAINER, 1),)
    assert plain.micro == bound(PLAIN).micro + 50_000


def test_every_fallback_is_added_at_its_own_price():
    found = bound(replace(PLAIN, fallbacks=(Fallback(model="claude-haiku-4-5", max_tokens=10),)))
    assert [each.model for each in found.samplings] == ["claude-opus-5", "claude-haiku-4-5"]
    assert found.output == 1010
    assert found.micro > bound(PLAIN).micro
    unknown = bound(replace(PLAIN, fallbacks_unknown=True))
    assert unknown.micro > 2 * bound(PLAIN).micro


def test_an_advisor_and_a_summary_are_added():
    advised = bound(replace(PLAIN, server_tools=(ServerTool(kind="advisor", most=2, model="claude-fable-5", max_tokens=10),)))
    assert advised.samplings[1].prompt == 2_000_000
    assert advised.samplings[1].output == 20
    assert bound(replace(PLAIN, compacts=True)).output == 1000 + 128_000


@pytest.mark.parametrize(
    "request_",
    [
        replace(PLAIN, model="claude-next"),
        replace(PLAIN, fallbacks=(Fallback(model="claude-next", max_tokens=1),)),
        replace(PLAIN, fallbacks_unknown=True),
        replace(PLAIN, server_tools=(ServerTool(kind="advisor", model="claude-next"),)),
    ],
)
def test_a_model_without_a_price_is_not_asked_where_the_rule_says_so(request_: ModelRequest):
    strict = Prices(models=MODELS, tools={}, refuses_unknown=True)
    assert isinstance(bound_of(request_, strict), Unbounded)


@pytest.mark.parametrize(
    "request_",
    [
        replace(PLAIN, documents=1), replace(PLAIN, remote=1), replace(PLAIN, mcp_servers=("https://m.example",)),
        replace(PLAIN, server_tools=(ServerTool(kind="web_search"),)),
    ],
)  # fmt: skip
def test_what_nothing_but_the_context_bounds_is_refused_where_the_rule_says_so(request_: ModelRequest):
    assert isinstance(bound_of(request_, PRICES, Allowances(refuses_unbounded=True)), Unbounded)
    assert isinstance(bound_of(request_, PRICES), Bound)


@pytest.mark.requirement("I7")
@given(NAMES, st.integers(0, 100_000), st.integers(1, 128_000), st.integers(0, 10**7))
def test_a_request_that_is_made_smaller_fits_and_none_larger_would(model: str, text: int, most: int, money: int):
    request = ModelRequest(model=model, max_tokens=most, text_bytes=text)
    found = most_output(request, PRICES, money)
    if found is None:
        assert bound(replace(request, max_tokens=1)).micro > money
        return
    assert bound(replace(request, max_tokens=found)).micro <= money
    assert found == most or bound(replace(request, max_tokens=found + 1)).micro > money


def test_only_a_plain_request_is_made_smaller():
    for members in ({"server_tools": (ServerTool(kind="web_search", most=1),)}, {"compacts": True}, {"container": True}):
        changed: dict[str, Any] = members
        assert most_output(replace(PLAIN, **changed), PRICES, 100) is None
    money = bound(replace(PLAIN, max_tokens=200)).micro
    assert most_output(PLAIN, PRICES, money) == 200
    assert most_output(replace(PLAIN, thinking=300), PRICES, money) is None
