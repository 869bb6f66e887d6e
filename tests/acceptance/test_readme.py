"""README.md is true: a new user who follows it gets there."""

import sys
from pathlib import Path

import pytest
from tests.acceptance import coding_agent_try
from tests.acceptance.first_minute import follow


async def test_whoever_follows_the_readme_gets_from_nothing_to_a_gated_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    took = await follow(tmp_path)
    with capsys.disabled():
        print(f"\nfirst minute: {took:.1f} s", file=sys.stderr)  # a parallel test run shows only this stream


@pytest.mark.requirement("I3")
async def test_whoever_follows_it_with_a_coding_agent_gets_to_a_refused_removal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    took = await coding_agent_try.follow(tmp_path)
    with capsys.disabled():
        print(f"\ncoding agent: {took:.1f} s", file=sys.stderr)
