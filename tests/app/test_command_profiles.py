"""Profiles of commands from files: those that come with the gateway, and an operator's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.app.command_profiles import KnownCommands, command_profiles, own_commands
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
    read = own_commands([own])
    assert read is not None
    made = read.profiles
    shelve, cat, git = made.of("shelve"), made.of("cat"), made.of("git status")
    assert shelve is not None
    assert shelve.kind.profile.effect is Effect.READ
    assert cat is not None
    assert cat.kind.profile.effect is Effect.WRITE
    assert git is not None


@pytest.mark.parametrize(
    "text",
    [
        "[a",
        "\xff",
        "a = " + "[" * 5000,
        "a = 1\n",
        '["a"]\nkind = "reads"\nspecial = "nobody"\n',
        '["a"]\nkind = "reads"\nwords = "fish"\n',
        '["a"]\nkind = "reads"\nturns = "fish"\n',
        '["a"]\nkind = "reads"\nturns.fish = "-f"\n',
        '["a"]\nkind = "reads"\ntakes = "fish"\n',
        '["a"]\nkind = ["reads"]\n',
        '["a"]\nlike = "fish"\n',
        '["a"]\nlike = ["cat"]\n',
    ],
)
def test_a_file_that_is_wrong_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    good, own = tmp_path / "good.toml", tmp_path / "commands.toml"
    good.write_text('["shelve"]\nkind = "reads"\n')
    own.write_text(text, "latin-1")
    with pytest.raises(ConfigError, match=r"/commands\.toml: "):
        own_commands([good, own])


def test_a_file_without_an_end_is_not_read_to_it() -> None:
    with pytest.raises(ConfigError, match="longer than"):
        own_commands([Path("/dev/zero")])


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        own_commands([tmp_path / "none.toml"])


def test_without_files_what_comes_with_the_gateway_is_known_and_again_when_they_are_gone(tmp_path: Path) -> None:
    assert own_commands([]) is None
    own = tmp_path / "commands.toml"
    own.write_text('["shelve"]\nkind = "reads"\n')
    known = KnownCommands()
    assert known.current() is command_profiles()
    known.replace(own_commands([own]))
    assert known.current().of("shelve") is not None
    known.replace(None)
    assert known.current().of("shelve") is None
