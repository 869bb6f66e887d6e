"""What a request will probably use: learnt from answers, within what it can use, and silent where nothing tells."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.bound import Bound, bound_of
from ringfence.core.metering.estimate import LEAST, MOST, Learnt, learn, likely
from ringfence.core.metering.prices import cost
from ringfence.core.metering.request import Fallback, ModelRequest, ServerTool
from ringfence.core.metering.tokens import Tokens, Usage
from ringfence.core.model.model_use import ModelUse

REQUEST = ModelRequest(model="claude-opus-5", max_tokens=1000, text_bytes=10_000)


def bound(request: ModelRequest) -> Bound:
    found = bound_of(request, PRICES)
    assert isinstance(found, Bound)
    return found


def used(tokens_in: int, tokens_out: int) -> ModelUse:
    return ModelUse(micro=0, tokens_in=tokens_in, tokens_out=tokens_out)


def after(*answers: ModelUse, request: ModelRequest = REQUEST) -> Learnt | None:
    learnt: Learnt | None = None
    for each in answers:
        learnt = learn(learnt, request, each)
    return learnt


def test_it_comes_near_what_answers_reported_and_follows_them() -> None:
    learnt = after(used(2500, 200))
    expected = likely(learnt, REQUEST, bound(REQUEST), PRICES)
    assert expected is not None
    assert (expected.tokens_in, expected.tokens_out) == (2500, 200)
    assert expected.micro == cost(Usage(model="claude-opus-5", tokens=Tokens(plain=2500, output=200)), PRICES)
    for _ in range(60):
        learnt = learn(learnt, REQUEST, used(5000, 800))
    later = likely(learnt, replace(REQUEST, text_bytes=20_000), bound(replace(REQUEST, text_bytes=20_000)), PRICES)
    assert later is not None
    assert 9900 <= later.tokens_in <= 10_000
    assert 790 <= later.tokens_out <= 800


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**6)), min_size=1, max_size=20),
    st.integers(256, 10**6),
    st.integers(0, 10**5),
)
def test_it_is_never_more_than_the_request_can_use(answers: list[tuple[int, int]], size: int, most: int) -> None:
    request = replace(REQUEST, text_bytes=size, max_tokens=most)
    learnt = after(*(used(*each) for each in answers), request=request)
    assert learnt is None or LEAST <= learnt.ratio <= MOST
    expected, at_most = likely(learnt, request, bound(request), PRICES), bound(request)
    if expected is not None:
        assert expected.micro <= at_most.micro
        assert (expected.tokens_in <= at_most.prompt, expected.tokens_out <= at_most.output) == (True, True)


def test_nothing_is_said_of_a_model_that_has_not_answered_yet() -> None:
    assert likely(None, REQUEST, bound(REQUEST), PRICES) is None
    assert after(used(0, 0)) is None
    assert after(used(10, 10), request=replace(REQUEST, text_bytes=10)) is None


@pytest.mark.parametrize(
    "more",
    [
        {"images": 1},
        {"documents": 1},
        {"remote": 1},
        {"container": True},
        {"compacts": True},
        {"server_tools": (ServerTool(kind="web_search"),)},
        {"fallbacks": (Fallback(model="claude-haiku-4-5", max_tokens=1),)},
    ],
)
def test_where_the_length_says_little_nothing_is_said_and_nothing_learnt(more: dict[str, Any]) -> None:
    request = replace(REQUEST, **more)
    assert likely(after(used(2500, 200)), request, bound(request), PRICES) is None
    assert after(used(2500, 200), request=request) is None
