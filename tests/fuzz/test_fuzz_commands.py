"""No command that is allowed does what a rule denies, as a real bash shows; and a decision comes for every text."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import ExitStack
from random import Random

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.bypass.deciding import Decider, decider
from tests.bypass.measuring import laid_out
from tests.bypass.shapes import CLIENT_RULES
from tests.effort import ALL, examples
from tests.fuzz.shell.box import Box, box
from tests.fuzz.shell.grammar import command
from tests.fuzz.shell.harm import LINKS, ground, harms

from ringfence.core.model.verdict import Level


class Both:
    """A decider and a box for the same folder."""

    def __init__(self, runner: asyncio.Runner, decide: Decider, bash: Box) -> None:
        self._runner = runner
        self._decide = decide
        self.bash = bash

    def level(self, text: str) -> Level:
        return self._runner.run(self._decide.command(text)).decision.level


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Generator[Both]:
    folder = tmp_path_factory.mktemp("commands").resolve()
    root = laid_out(folder)
    with ExitStack() as stack:
        bash = stack.enter_context(box(str(root), str(folder / "home"), ground(), LINKS))
        runner = stack.enter_context(asyncio.Runner())
        entered = decider(folder, root, CLIENT_RULES)
        decide = runner.run(entered.__aenter__())
        stack.callback(lambda: runner.run(entered.__aexit__(None, None, None)))
        yield Both(runner, decide, bash)


# The same ones each time: the space is large, and what is new in it is looked for by the long tests and tests.fuzz.commands.
@pytest.mark.requirement("I1")
@settings(max_examples=examples(1500), derandomize=not ALL, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rng=st.randoms(use_true_random=False))
def test_an_allowed_command_does_nothing_that_is_denied(both: Both, rng: Random) -> None:
    text = command(rng)
    note(text)
    if both.level(text) is Level.ALLOW:
        assert harms(both.bash.run(text)) == ()


@settings(max_examples=examples(600), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(max_size=300))
def test_every_text_is_decided(both: Both, text: str) -> None:
    both.level(text)


@settings(max_examples=examples(600), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pieces=st.lists(
        st.sampled_from([*"$`'\"\\(){}[]<>|&;!*?~#= \n\t@%^+-/.0a", "rm", "cat", "$(", "${", "<<", "((", "[["]), max_size=40
    )
)
def test_every_heap_of_signs_is_decided(both: Both, pieces: list[str]) -> None:
    both.level("".join(pieces))
