"""Profiles of commands from files: those that come with the gateway, and an operator's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.app.command_profiles import command_profiles
from ringfence.core.model.profile import Effect
from ringfence.errors import ConfigError


def test_every_profile_that_comes_with_the_gateway_says_what_it_does() -> None:
    made = command_profiles()
    silent = [name for name, one in made.by_name.items() if not one.does and name not in made.parents]
    assert silent == []
    assert len(made.by_name) > 1000


def test_a_file_of_an_operator_adds_commands_and_overrides_ours(tmp_path: Path) -> None:
    own = tmp_path / "commands.toml"
    own.write_text('["shelve"]\ndoes = "shelves"\nkind = "reads"\nwords = "read*"\n["cat"]\ndoes = "ours"\nkind = "unknown"\n')
    made = command_profiles([own])
    shelve, cat, git = made.of("shelve"), made.of("cat"), made.of("git status")
    assert shelve is not None
    assert shelve.kind.profile.effect is Effect.READ
    assert cat is not None
    assert cat.kind.profile.effect is Effect.WRITE
    assert git is not None


@pytest.mark.parametrize(
    "text", ["[a", '["a"]\nkind = "reads"\nspecial = "nobody"\n', '["a"]\nkind = "reads"\nwords = "fish"\n', "a = 1\n"]
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, text: str) -> None:
    own = tmp_path / "commands.toml"
    own.write_text(text)
    with pytest.raises(ConfigError):
        command_profiles([own])


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        command_profiles([tmp_path / "none.toml"])
