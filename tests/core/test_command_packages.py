"""yarn and pnpm run scripts of the project under any name: what is a command of theirs is none of these."""

from __future__ import annotations

import shlex

import pytest

from ringfence.app.command_profiles import command_profiles
from ringfence.core.commands.describing import describe
from ringfence.core.model.local import LocalAct, Place, Undecided, Use
from ringfence.core.model.profile import ToolProfile
from ringfence.core.shell.command import Command, Word
from ringfence.core.shell.programs.runners import started

PROFILES = command_profiles()
PLACE = Place(cwd="/p", roots=("/p",), home="/home/me")


def words(text: str) -> tuple[Word, ...]:
    return tuple(Word(text=one, raw=one) for one in shlex.split(text))


def act(text: str) -> LocalAct:
    return describe(Command(words=words(text), cwd="/p", raw=text), PROFILES, PLACE).act


def profile(text: str) -> ToolProfile:
    return act(text).profile


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        *((f"pnpm {name} x", "npm owner x") for name in ("owner", "token", "access", "profile", "adduser", "logout", "team")),
        *((f"yarn {name} x", "npm owner x") for name in ("owner", "team", "login", "logout")),
        *((f"pnpm {name} x", "npm install x") for name in ("link", "in", "it", "ci", "self-update", "deploy", "fetch")),
        *((f"yarn {name} x", "npm install x") for name in ("link", "plugin import", "set", "policies", "workspaces focus")),
        ("pnpm unpublish x --force", "npm unpublish x --force"),
        ("pnpm dist-tag add x y", "npm dist-tag add x y"),
        ("yarn tag add x y", "npm dist-tag add x y"),
        ("pnpm set x y", "npm config set x y"),
    ],
)
def test_commands_of_a_package_manager_are_no_scripts_of_the_project(spelled: str, meant: str) -> None:
    assert profile(spelled) == profile(meant)
    assert profile(spelled) != profile("pnpm build")


def test_a_script_of_the_project_stays_one() -> None:
    assert profile("yarn build") == profile("pnpm build") == profile("npm run build")


@pytest.mark.parametrize(
    "text",
    [
        "yarn workspaces foreach exec rm x",
        "yarn workspaces foreach -A --parallel exec rm x",
        "yarn workspace shop exec rm x",
        "yarn --silent workspace shop exec rm x",
    ],
)
def test_what_yarn_starts_in_workspaces_is_an_act_of_its_own(text: str) -> None:
    inner = started("yarn", words(text))
    assert inner is not None
    assert "rm" in repr(inner)


@pytest.mark.parametrize("text", ["yarn workspaces foreach run build", "yarn workspace shop build", "yarn build exec"])
def test_scripts_in_workspaces_start_nothing_that_is_known(text: str) -> None:
    assert started("yarn", words(text)) is None


@pytest.mark.parametrize("text", ["npm fund x --browser=./a", "npm --browser ./a fund x", "npm rebuild --node-gyp=./a"])
def test_a_program_that_npm_starts_by_an_option_is_in_doubt(text: str) -> None:
    assert Undecided.CODE in {doubt.kind for doubt in act(text).doubts}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("pytest --alluredir=kept/x", "/p/kept/x"),
        ("pytest --benchmark-json kept/x", "/p/kept/x"),
        ("pytest --durations-path=kept/x", "/p/kept/x"),
        ("docker run --cidfile kept/x alpine", "/p/kept/x"),
        ("git init kept/x", "/p/kept/x"),
        ("git init --separate-git-dir=kept/x", "/p/kept/x"),
    ],
)
def test_places_that_are_written_are_known(text: str, path: str) -> None:
    assert path in {use.path for use in act(text).paths if use.use is Use.WRITE}


def test_tests_whose_report_is_pasted_on_a_server_leave_the_machine() -> None:
    assert profile("pytest --pastebin=all").outbound
    assert not profile("pytest -q").outbound
