"""Which files a search looks into: of git those that it keeps, unless it is told to look further."""

from __future__ import annotations

import pytest

from ringfence.app.command_profiles import command_profiles
from ringfence.core.model.local import Place, Tracked, Use
from ringfence.core.scan.scanner import Scanner
from ringfence.core.shell.written import Unread
from ringfence.engine.local.file_tools import describe
from ringfence.engine.local.judging import Judging
from ringfence.engine.local.looking import MOST_GUARDED
from ringfence.testing.fakes.files import FakeFiles
from ringfence.testing.fakes.shell_parser import FakeShellParser
from ringfence.testing.fakes.sql_reader import FakeSqlReader

PLACE = Place(cwd="/p", roots=("/p",), home="/home/me")
PROFILES = command_profiles()
SCANNER = Scanner()


async def reads_the_secret(command: str, state: Tracked, *others: str) -> bool:
    """`others`: files of which git keeps none."""
    states = {"/p/.env": state, **dict.fromkeys(others, Tracked.UNTRACKED)}
    judging = Judging(
        parser=FakeShellParser(),
        files=FakeFiles({"/p/a.py": "x\n", **dict.fromkeys(states, "TOKEN=x\n")}, states=states),
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
    return any(use.use is Use.READ and use.path.endswith(".env") for act in judgement.acts for use in act.paths)


@pytest.mark.parametrize("command", ["git grep x", "git archive HEAD"])
async def test_a_search_of_git_passes_over_what_git_does_not_keep(command: str) -> None:
    assert await reads_the_secret(command, Tracked.CLEAN)
    assert await reads_the_secret(command, Tracked.UNKNOWN)
    assert not await reads_the_secret(command, Tracked.UNTRACKED)


@pytest.mark.parametrize(
    "command",
    ["git grep --untracked x", "git grep --u x", "git grep --no-index x", "grep -r x", "git stash -a", "git add -f grep ."],
)
async def test_other_searches_do_not(command: str) -> None:
    assert await reads_the_secret(command, Tracked.UNTRACKED)


async def test_a_file_that_git_keeps_does_not_hide_behind_many_that_it_does_not() -> None:
    others = [f"/p/.a/{number:02}.env" for number in range(MOST_GUARDED)]
    assert not await reads_the_secret("git grep x", Tracked.UNTRACKED, *others[:2])
    assert await reads_the_secret("git grep x", Tracked.CLEAN, *others)


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [("/etc/*", "/etc"), ("/etc/x/[a-b]*", "/etc/x"), ("../../*", "/"), ("a/../../*.py", "/"), ("~/.ssh/*", "/home/me/.ssh"),
     ("**/*.py", "/p"), ("src/**", "/p")],
)  # fmt: skip
async def test_a_pattern_leads_where_it_says(pattern: str, folder: str) -> None:
    described = describe("Glob", {"pattern": pattern}, PLACE)
    assert [use.path for use in described.act.paths] == [folder]
