"""What makes a request or an answer one that came before."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.metering.alike import answer_in, given_in
from ringfence.core.metering.stream import MessageStream


def talk(*said: Any) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[place % 2], "content": content} for place, content in enumerate(said)]


def result(content: Any, id: str = "toolu_1") -> list[dict[str, Any]]:
    return [{"type": "tool_result", "tool_use_id": id, "content": content}]


def test_what_is_newly_given_is_the_last_message_whatever_ids_the_client_makes_up() -> None:
    assert given_in(talk("a", "b", result("same", "toolu_1"))) == given_in(talk("x", "y", result("same", "toolu_2")))
    assert given_in(talk("a", "b", result("same"))) != given_in(talk("a", "b", result("other")))


def test_in_a_conversation_that_goes_on_a_counter_in_words_is_nothing_new_and_one_in_a_result_is() -> None:
    assert given_in(talk("a", "b", "check answer 7")) == given_in(talk("a", "b", "c", "d", "check answer 12"))
    blocks = [{"type": "text", "text": "check answer 7", "cache_control": {"type": "ephemeral"}}]
    assert given_in(talk("a", "b", blocks)) == given_in(talk("a", "b", [{"type": "text", "text": "check answer 12"}]))
    assert given_in(talk("a", "b", result("41 %"))) != given_in(talk("a", "b", result("42 %")))


def test_the_first_words_of_a_conversation_count_as_they_are() -> None:
    assert given_in(talk("is document 7 a letter?")) != given_in(talk("is document 8 a letter?"))


def test_whom_it_speaks_to_counts_but_not_the_time_that_a_client_writes_into_every_system_prompt() -> None:
    said = talk("check this")
    assert given_in(said, "You write. It is 10:41:07.") == given_in(said, "You write. It is 10:41:09.")
    blocks = [{"type": "text", "text": "You write. It is 10:41:07.", "cache_control": {"type": "ephemeral"}}]
    assert given_in(said, blocks) == given_in(said, [{"type": "text", "text": "You write. It is 9:00:00."}])
    assert given_in(said, "You write.") != given_in(said, "You verify.")
    assert given_in(said, "You write.") != given_in(said)


def test_what_is_no_conversation_has_no_digest() -> None:
    assert given_in([]) == ""
    assert given_in(["text"]) == ""


def test_an_answer_is_its_texts_and_tool_uses_without_digits_and_ids() -> None:
    one = [{"type": "text", "text": "version 1"}, {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"n": 1}}]
    other = [{"type": "text", "text": "version 22"}, {"type": "tool_use", "id": "toolu_9", "name": "read", "input": {"n": 7}}]
    assert answer_in(one) == answer_in(other)
    assert answer_in(one) != answer_in(one[:1])
    assert answer_in(one) != answer_in([one[0], {**one[1], "name": "write"}])


def streamed(pieces: list[str], tool: str = "") -> str:
    stream = MessageStream()
    events: list[dict[str, Any]] = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}} for piece in pieces
    ]
    if tool:
        block = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": {}}
        events.append({"type": "content_block_start", "index": 1, "content_block": block})
    for event in events:
        stream.feed(f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode())
    stream.finish()
    return stream.answer


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_a_stream_says_the_same_however_its_text_is_cut(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert streamed(pieces) == streamed([text])


def test_a_stream_with_other_words_or_another_tool_is_another_answer() -> None:
    assert streamed(["go on"]) != streamed(["stop"])
    assert streamed(["go on"], "read") != streamed(["go on"], "write")
    assert streamed(["attempt 1"]) == streamed(["attempt 2"])
