"""What an agent may write so that its request costs more than was reserved. None of it does."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.bound import Bound, bound_of
from ringfence.core.metering.letters import HARMLESS, swelling
from ringfence.core.metering.request import ModelRequest, Unreadable, read_count, read_request

PLAIN: dict[str, Any] = {"model": "claude-opus-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
WHOLE_CONTEXT = 1_000_000


def read(body: dict[str, Any], *, escaped: bool = False) -> ModelRequest | Unreadable:
    return read_request(json.dumps(body, ensure_ascii=escaped).encode())


def facts(*, escaped: bool = False, **members: Any) -> ModelRequest:
    found = read(PLAIN | members, escaped=escaped)
    assert isinstance(found, ModelRequest), found
    return found


def bound(**members: Any) -> Bound:
    found = bound_of(facts(**members), PRICES)
    assert isinstance(found, Bound)
    return found


def says(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("escaped", [False, True])
@given(said=st.text(st.sampled_from("\ufdfa\u3316\u2a0ca\u0958\u00bd\u0344 \U0001d160"), max_size=200))
@example(said="\ufdfa" * 100)
@example(said="\u3316" * 100)
@example(said="\u00e9\u0323" * 100)
def test_letters_that_a_tokenizer_makes_longer_are_counted_as_what_they_become(said: str, escaped: bool) -> None:
    found = facts(messages=[{"role": "user", "content": said}], escaped=escaped)
    assert found.text_bytes >= len(unicodedata.normalize("NFKC", said).encode())


def test_ordinary_texts_of_any_language_count_as_their_bytes() -> None:
    for said in ("plain", "h\u00e9llo w\u00f6rld", "\u4f60\u597d", "\u043f\u0440\u0438\u0432\u0435\u0442", "\U0001f600"):
        for escaped in (False, True):
            assert swelling(json.dumps(said, ensure_ascii=escaped).encode()) == 0


def test_counts_of_tokens_are_no_way_around_it() -> None:
    found = read_count(json.dumps({**PLAIN, "Model": "other"}).encode())
    assert isinstance(found, Unreadable)


@pytest.mark.requirement("I7")
@pytest.mark.parametrize(
    "more",
    [
        {"Max_Tokens": 100_000},
        {"MODEL": "claude-opus-4-1"},
        {"max_token\u017f": 100_000},
        {"\u212aind": 1, "Fallbacks": [{"model": "claude-opus-4-1"}]},
        {"Tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{"Type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 1, "Max_Uses": 100}]},
        {"fallbacks": [{"model": "claude-haiku-4-5", "Model": "claude-opus-4-1"}]},
        {"messages": says({"Type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}})},
        {"messages": says({"type": "document", "Source": {"type": "url", "url": "https://a.example/b.pdf"}})},
        {"system": [{"type": "text", "text": "x", "Cache_Control": {"type": "ephemeral", "ttl": "1h"}}]},
    ],
)
def test_a_name_that_some_servers_read_as_another_is_refused(more: dict[str, Any]) -> None:
    found = read(PLAIN | more)
    assert isinstance(found, Unreadable)
    assert found.status == 400


def test_names_that_mean_nothing_here_are_the_vendors_to_judge() -> None:
    use = {"type": "tool_use", "id": "t", "name": "n", "input": {"Type": "x", "type": "y", "Source": 1}}
    assert facts(Of_Next_Year=1, messages=says(use)).messages == 1


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("kind", ["adaptive", "between_tools", "of_next_year", None])
def test_a_budget_for_thinking_bounds_nothing_unless_it_is_one(kind: str | None) -> None:
    found = facts(max_tokens=50_000, thinking={"type": kind, "budget_tokens": 1024})
    assert (found.thinking, found.may_think) == (0, True)


@pytest.mark.requirement("I7")
def test_a_fallback_at_a_speed_that_nobody_knows_is_fast() -> None:
    slow, odd = (bound(fallbacks=[{"model": "claude-opus-4-6", "speed": speed}]) for speed in ("standard", "faster"))
    assert odd.micro > slow.micro


@pytest.mark.requirement("I7")
def test_an_edit_of_the_context_that_nobody_knows_may_be_sampled() -> None:
    def edits(kind: str) -> dict[str, Any]:
        return {"context_management": {"edits": [{"type": kind}]}}

    assert not facts(**edits("clear_tool_uses_20250919")).compacts
    assert facts(**edits("compact_20260112")).compacts
    assert facts(**edits("digest_20270101")).compacts


@pytest.mark.requirement("I7")
def test_a_definition_that_is_written_out_again_and_again_counts_each_time() -> None:
    tool = {"name": "big", "description": "d" * 5000, "input_schema": {"type": "object"}, "defer_loading": True}
    once = facts(tools=[tool]).text_bytes
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference", "tool_name": "big"}] * 20}
    assert facts(tools=[tool], messages=says(result)).text_bytes > once + 20 * 5000
    odd = facts(tools=[{**tool, "name": ["big"]}], messages=says(result))
    assert odd.text_bytes < once + 5000


@pytest.mark.requirement("I7")
def test_a_text_that_is_cut_into_sentences_is_bounded_by_the_context_alone() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "a. " * 100}
    document = {"type": "document", "source": source}
    assert bound(messages=says(document)).prompt < 10_000
    assert bound(messages=says({**document, "citations": {"enabled": False}})).prompt < 10_000
    assert bound(messages=says({**document, "citations": {"enabled": True}})).prompt == WHOLE_CONTEXT


@pytest.mark.requirement("I7")
def test_each_parameter_of_a_tools_use_counts_what_may_be_written_around_it() -> None:
    many = {"type": "tool_use", "id": "t", "name": "n", "input": {f"{number:x}": 1 for number in range(1000)}}
    found = facts(messages=says(many))
    assert found.text_bytes >= len(json.dumps(PLAIN | {"messages": says(many)})) + 16 * 1000


@pytest.mark.parametrize("name", ["\ud800", "a\x1b[2Jb", "a\u202eb", "a\nb", "m" * 201])
def test_a_name_that_nobody_could_record_or_show_is_no_name_of_a_model(name: str) -> None:
    for members in (
        {"model": name},
        {"fallbacks": [{"model": name}]},
        {"tools": [{"type": "advisor_20260301", "name": "advisor", "model": name}]},
    ):
        assert isinstance(read(PLAIN | members, escaped=True), Unreadable)


def test_what_a_client_says_of_its_user_can_always_be_recorded() -> None:
    assert facts(metadata={"user_id": "a\ud800b"}, escaped=True).user == "a\ufffdb"


def test_no_letter_that_is_passed_over_grows_or_is_a_mark() -> None:
    for start, end in HARMLESS:
        for code in range(start, end + 1):
            letter = chr(code)
            assert len(unicodedata.normalize("NFKC", letter).encode()) <= len(letter.encode()), hex(code)
            assert not unicodedata.combining(letter), hex(code)
    assert sorted(HARMLESS) == list(HARMLESS)


def test_every_letter_that_grows_is_counted_however_it_is_written() -> None:
    for code in range(0x80, 0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        becomes = len(unicodedata.normalize("NFKC", chr(code)).encode())
        if becomes > len(chr(code).encode()):
            for escaped in (False, True):
                written = json.dumps(chr(code), ensure_ascii=escaped).encode()
                assert len(written) - 2 + swelling(written) >= becomes
