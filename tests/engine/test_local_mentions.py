"""A word of a reading command that no profile explains may name a file: if it names a guarded one, a person is asked."""

from __future__ import annotations

import pytest

from ringfence.app.command_profiles import command_profiles
from ringfence.core.model.local import Place, Use
from ringfence.core.scan.scanner import Scanner
from ringfence.core.shell.written import Unread
from ringfence.engine.local.judging import Judging
from ringfence.testing.fakes.files import FakeFiles
from ringfence.testing.fakes.shell_parser import FakeShellParser
from ringfence.testing.fakes.sql_reader import FakeSqlReader

PLACE = Place(cwd="/p", roots=("/p",), home="/home/me")
PROFILES = command_profiles()
SCANNER = Scanner()


async def through_of_the_secret(command: str) -> list[str]:
    """How each read of the guarded file came to be: empty where the command surely reads it."""
    judging = Judging(
        parser=FakeShellParser(),
        files=FakeFiles({"/p/.env": "TOKEN=x\n", "/p/a.json": "{}\n"}),
        sql=FakeSqlReader(),
        profiles=PROFILES,
        scanner=SCANNER,
    )
    judgement = await judging.judge(
        "Bash",
        {"command": command},
        PLACE,
        written=lambda _path: Unread.NOT_WRITTEN,
        guarded=lambda path: path.endswith(".env"),
    )
    return [use.through for act in judgement.acts for use in act.paths if use.use is Use.READ and use.path == "/p/.env"]


@pytest.mark.parametrize(
    "command",
    [
        "cat --unheard-of=.env a.json",
        "jq --unheard-of .env a.json",
        "lscpu --unheard-of .env",
        "htop .env",
    ],
)
async def test_a_word_that_no_profile_explains_is_taken_for_the_file_that_it_names(command: str) -> None:
    found = await through_of_the_secret(command)
    assert found
    assert all(found), "nobody is sure of it: a person is asked"


@pytest.mark.parametrize(
    "command",
    [
        "grep -rn .env a.json",
        "grep -e .env a.json",
        "grep --exclude=.env x a.json",
        "echo .env",
        "jq .env a.json",
        "cat --unheard-of=a.json a.json",
        "lscpu --unheard-of nowhere/.env",
    ],
)
async def test_a_word_that_is_explained_or_names_no_file_is_not(command: str) -> None:
    assert not await through_of_the_secret(command)


async def test_what_is_surely_read_stays_so() -> None:
    assert await through_of_the_secret("cat .env") == [""]
