"""What answers cost: exact whole numbers, never less than the bill, and no name that is read as a cheaper model's."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.metering.anthropic_prices import CHECKED, MODELS, PRICES
from ringfence.core.metering.prices import Price, Prices, Rates, cost, plain_name
from ringfence.core.metering.tokens import CONTAINER, WEB_FETCH, WEB_SEARCH, Tokens, Usage

COUNTS = st.integers(0, 2_000_000)
TOKENS = st.builds(Tokens, plain=COUNTS, write_5m=COUNTS, write_1h=COUNTS, read=COUNTS, output=COUNTS)
NAMES = st.sampled_from(sorted(MODELS))
RATE = st.integers(0, 10**9)
RATES = st.builds(Rates, plain=RATE, write_5m=RATE, write_1h=RATE, read=RATE, output=RATE)


def a_price(rates: Rates) -> Price:
    return Price(rates=rates)


def test_a_million_tokens_cost_what_the_page_says():
    million = 1_000_000
    for kind, dollars in {"plain": 15, "write_5m": 18.75, "write_1h": 30, "read": 1.5, "output": 75}.items():
        usage = Usage(model="claude-opus-4-1", tokens=Tokens(**{kind: million}))
        assert cost(usage, PRICES) == int(dollars * million)


def test_one_token_is_rounded_up():
    assert cost(Usage(model="claude-haiku-3", tokens=Tokens(read=1)), PRICES) == 1
    assert cost(Usage(model="claude-haiku-3"), PRICES) == 0


def test_parts_of_a_micro_dollar_are_rounded_once_for_the_whole_answer():
    usage = Usage(model="claude-haiku-3", tokens=Tokens(plain=1, read=1, output=1))
    assert cost(usage, PRICES) == 2  # 0.25 + 0.03 + 1.25


def test_a_long_prompt_costs_more_for_every_token_of_the_request():
    short = Usage(model="claude-haiku-5-5", tokens=Tokens(plain=60_000, read=40_000, output=1_000_000))
    long = Usage(model="claude-haiku-5-5", tokens=Tokens(plain=60_000, read=40_001, output=1_000_000))
    assert cost(short, PRICES) == 6_000 + 400 + 500_000
    assert cost(long, PRICES) == 30_000 + 2_001 + 2_500_000  # 2000.05 rounded up


def test_speed_place_and_batches_multiply():
    usage = Usage(model="claude-opus-5-5", tokens=Tokens(plain=1_000_000), fast=True)
    assert cost(usage, PRICES) == 8_000_000
    assert cost(Usage(model="claude-opus-5-5", tokens=Tokens(plain=1_000_000), us_only=True), PRICES) == 4_400_000
    assert cost(Usage(model="claude-opus-5-5", tokens=Tokens(plain=1_000_000), batch=True), PRICES) == 2_000_000
    assert cost(Usage(model="claude-opus-5-5", tokens=Tokens(plain=1_000_000), batch=True, us_only=True), PRICES) == 2_200_000


def test_fast_speed_of_a_model_that_is_not_listed_with_it_costs_six_times():
    assert cost(Usage(model="claude-haiku-4-5", tokens=Tokens(output=1_000_000), fast=True), PRICES) == 30_000_000


def test_server_tools_cost_per_use():
    usage = Usage(model="claude-opus-5", tools={WEB_SEARCH: 3, WEB_FETCH: 9, CONTAINER: 1})
    assert cost(usage, PRICES) == 30_000 + 50_000
    assert cost(Usage(model="claude-opus-5", tools={"something_new_requests": 1}), PRICES) == 50_000


def test_samplings_besides_are_priced_by_their_own_model():
    usage = Usage(
        model="claude-haiku-4-5", tokens=Tokens(output=1_000_000), besides=(("claude-opus-5", Tokens(output=1_000_000)),)
    )
    assert cost(usage, PRICES) == 5_000_000 + 25_000_000


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("claude-opus-4-5", "claude-opus-4-5"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5"),
        ("anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("anthropic/claude-opus-4.5", "claude-opus-4-5"),
        ("claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("claude-sonnet-4@default", "claude-sonnet-4"),
        ("claude-opus-5[1m]", "claude-opus-5"),
        ("claude-3-5-sonnet-latest", "claude-sonnet-3-5"),
        ("claude-3-opus-20240229", "claude-opus-3"),
        ("claude-3-haiku-20240307", "claude-haiku-3"),
        ("claude-opus-4-0", "claude-opus-4"),
        ("claude-opus-4-20250514", "claude-opus-4"),
        ("Llama-v2", "Llama-v2"),
        ("anthropic/other-v2", "anthropic/other-v2"),
    ],
)
def test_a_model_is_known_under_its_names(name: str, plain: str):
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    "name", ["claude-opus-45", "claude-haiku-3-9", "claude-opus-4-5-fast", "opus", "", "claude-opus-4-5-2"]
)
def test_no_name_is_guessed(name: str):
    assert not PRICES.knows(name)


@given(NAMES, TOKENS)
def test_an_unknown_model_costs_at_least_what_any_known_one_costs(name: str, tokens: Tokens):
    known = cost(Usage(model=name, tokens=tokens), PRICES)
    unknown = cost(Usage(model="claude-next", tokens=tokens), PRICES)
    assert known is not None
    assert unknown is not None
    assert unknown >= known


@given(NAMES, TOKENS)
def test_an_unknown_model_at_fast_speed_costs_at_least_what_any_known_one_costs(name: str, tokens: Tokens):
    known = cost(Usage(model=name, tokens=tokens, fast=True), PRICES)
    unknown = cost(Usage(model="claude-next", tokens=tokens, fast=True), PRICES)
    assert known is not None
    assert unknown is not None
    assert unknown >= known


def test_an_unknown_model_is_refused_by_rule():
    strict = Prices(models=MODELS, tools={}, refuses_unknown=True)
    assert strict.of("claude-next") is None
    assert cost(Usage(model="claude-next"), strict) is None
    assert cost(Usage(model="claude-opus-5", besides=(("claude-next", Tokens()),)), strict) is None
    assert strict.of("claude-opus-5") is not None


def test_an_operators_entry_comes_first():
    cheap = Price(rates=Rates(plain=1, write_5m=1, write_1h=1, read=1, output=1))
    ours = PRICES.with_models({"claude-opus-5-20260724": cheap, "my-model": cheap}, {WEB_SEARCH: 7})
    assert ours.of("claude-opus-5") == cheap
    assert ours.of("my-model") == cheap
    assert ours.of_tool(WEB_SEARCH) == 7
    assert ours.of("claude-opus-4-8") == PRICES.of("claude-opus-4-8")


@given(RATES, TOKENS)
def test_a_cost_is_the_exact_one_rounded_up(rates: Rates, tokens: Tokens):
    prices = Prices(models={"m": a_price(rates)}, tools={})
    exact = sum(
        (Fraction(getattr(tokens, kind) * getattr(rates, kind), 1_000_000) for kind in Tokens.__dataclass_fields__), Fraction()
    )
    found = cost(Usage(model="m", tokens=tokens), prices)
    assert found is not None
    assert exact <= found < exact + 1


@given(NAMES, TOKENS, TOKENS)
def test_more_tokens_never_cost_less(name: str, tokens: Tokens, more: Tokens):
    less, all_of_it = (cost(Usage(model=name, tokens=each), PRICES) for each in (tokens, tokens + more))
    assert less is not None
    assert all_of_it is not None
    assert less <= all_of_it


def test_every_row_says_where_it_is_from_and_when_it_was_looked_at():
    for name, price in MODELS.items():
        assert price.checked == CHECKED
        assert price.source
        assert plain_name(name) == name
        assert price.rates.read <= price.rates.plain <= price.rates.write_5m <= price.rates.write_1h <= price.rates.output


@pytest.mark.parametrize("rate", [-1, 10**12 + 1])
def test_a_rate_that_cannot_be_meant_is_refused(rate: int):
    with pytest.raises(ValueError, match="no rate"):
        Rates(plain=rate, write_5m=0, write_1h=0, read=0, output=0)


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="needs a model"):
        Prices(models={}, tools={})
