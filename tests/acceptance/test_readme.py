"""README.md is true: a new user who follows it gets there."""

import sys
from pathlib import Path

import pytest
from tests.acceptance.first_minute import follow


async def test_whoever_follows_the_readme_gets_from_nothing_to_a_gated_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    took = await follow(tmp_path)
    with capsys.disabled():
        print(f"\nfirst minute: {took:.1f} s", file=sys.stderr)  # a parallel test run shows only this stream
