"""Prompts and tools of an agent over its runs: what is new is told once, the first run teaches, noise falls silent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.metering.prompts import Part, prompt_parts, tool_parts
from ringfence.core.observing.changes import MOST_KNOWN, NOISE, PROMPT, TOOLS, News, Watch


def part(digest: str, name: str = "1") -> Part:
    return Part(name, digest)


def seen(watch: Watch, run: str, *digests: str, kind: str = PROMPT) -> News | None:
    news = watch.look(run, kind, [part(digest, str(place)) for place, digest in enumerate(digests, start=1)])
    if news is not None:
        watch.learn(news)
    return news


def is_told(watch: Watch, run: str, *digests: str) -> bool:
    news = seen(watch, run, *digests)
    return news is not None and news.is_told


def test_the_first_run_teaches_and_the_same_again_says_nothing() -> None:
    watch = Watch()
    first = seen(watch, "r1", "a", "b")
    assert first is not None
    assert not first.is_told
    assert not is_told(watch, "r1", "c")  # a helper of the same client
    assert seen(watch, "r2", "a", "b") is None


def test_a_change_between_runs_is_told_once() -> None:
    watch = Watch()
    seen(watch, "r1", "a", "b")
    news = seen(watch, "r2", "a", "other")
    assert news is not None
    assert (news.is_told, [one.name for one in news.parts], news.changed) == (True, ["2"], ("2",))
    assert seen(watch, "r2", "a", "other") is None
    assert seen(watch, "r3", "a", "other") is None
    assert seen(watch, "r4", "a", "b") is None  # back to what was known


def test_what_is_another_one_in_every_run_falls_silent_and_what_stands_beside_it_does_not() -> None:
    watch = Watch()
    seen(watch, "r0", "stable", "n0")
    told = [is_told(watch, f"r{run}", "stable", f"n{run}") for run in range(1, NOISE + 4)]
    assert told == [True] * NOISE + [False] * 3
    assert is_told(watch, "r99", "changed", "n99")
    # A run without anything new there, and it is worth telling again.
    seen(watch, "r100", "stable", "n99")
    assert is_told(watch, "r101", "stable", "n101")


def test_several_new_parts_of_one_run_are_one_step_towards_noise() -> None:
    watch = Watch()
    seen(watch, "r0", "a")
    assert [is_told(watch, "r1", f"x{n}") for n in range(10)] == [True] * 10


def test_after_a_restart_nothing_is_told_again_and_noise_stays_noise() -> None:
    watch, kept = Watch(), list[tuple[str, Any]]()
    for run in range(NOISE + 2):
        news = seen(watch, f"r{run}", "stable", f"n{run}")
        assert news is not None
        kept.append((news.run, json.loads(json.dumps(news.body()))))
    again = Watch()
    for run, body in kept:
        again.replay(run, body)
    assert not is_told(again, "r50", "stable", "n50")
    assert seen(again, "r50", "stable", "n1") is None
    assert is_told(again, "r51", "other", "n50")


@pytest.mark.parametrize(
    "body",
    [{}, {"watched": "x"}, {"watched": PROMPT, "parts": "x"}, {"watched": TOOLS, "parts": [1, {"name": 2}], "in_a_row": []}],
)
def test_odd_entries_say_nothing(body: dict[str, Any]) -> None:
    watch = Watch()
    watch.replay("r1", body)
    assert seen(watch, "r2", "a") is not None


def test_what_is_known_is_bounded() -> None:
    watch = Watch()
    for number in range(MOST_KNOWN + 500):
        seen(watch, "r1", str(number))
    assert seen(watch, "r1", str(MOST_KNOWN + 499)) is None
    assert seen(watch, "r1", "0") is not None


@given(st.lists(st.tuples(st.sampled_from(["r1", "r2", "r3"]), st.sampled_from("abc")), max_size=30))
def test_nothing_is_told_twice_whatever_the_order_of_runs(steps: list[tuple[str, str]]) -> None:
    watch, told = Watch(), list[str]()
    for run, digest in steps:
        if is_told(watch, run, digest):
            told.append(digest)
            assert run != steps[0][0]
    assert len(told) == len(set(told))


def test_a_prompt_is_told_apart_by_its_blocks_without_bills_digits_and_caching() -> None:
    one = prompt_parts([
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=1"},
        {"type": "text", "text": "You help. Today is 2026-11-21."},
        {"type": "text", "text": "Rules.", "cache_control": {"type": "ephemeral"}},
    ])  # fmt: skip
    other = prompt_parts([{"type": "text", "text": "You help. Today is 2026-11-22."}, {"type": "text", "text": "Rules."}])
    assert one == other
    assert [part.name for part in one] == ["1", "2"]
    assert prompt_parts("Rules.")[0].digest == one[1].digest
    assert prompt_parts([{"type": "text", "text": "Other rules."}])[0].digest != one[0].digest
    assert prompt_parts(None) == prompt_parts([1, {}, {"text": 3}]) == ()
    assert len(prompt_parts([f"block {chr(97 + n)}" for n in range(25)])) == 16


def test_a_tool_is_its_whole_definition() -> None:
    tool = {"name": "pay", "description": "Pays.", "input_schema": {"type": "object"}}
    (one,) = tool_parts([tool])
    assert tool_parts([{**tool, "cache_control": {"type": "ephemeral"}}]) == (one,)
    assert tool_parts([{**tool, "description": "Pays at once."}]) != (one,)
    assert tool_parts([tool, {**tool, "description": "Twice."}, {"x": 1}, 7]) == (one,)
