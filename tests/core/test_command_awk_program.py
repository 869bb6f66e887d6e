"""Programs of awk: what is a string, a regular expression or a comment decides what is run and written."""

from __future__ import annotations

import pytest

from ringfence.app.command_profiles import command_profiles
from ringfence.core.commands.describing import describe
from ringfence.core.model.local import LocalAct, Place, Use
from ringfence.core.shell.command import Command, Word

PROFILES = command_profiles()
PLACE = Place(cwd="/p", roots=("/p",), home="/home/me")


def act(program: str) -> LocalAct:
    words = tuple(Word(text=one, raw=one) for one in ("awk", program, "a.txt"))
    return describe(Command(words=words, cwd="/p", raw=program), PROFILES, PLACE).act


def written(one: LocalAct) -> set[str]:
    return {use.path for use in one.paths if use.use is Use.WRITE}


@pytest.mark.parametrize(
    "program",
    [
        """/"/{print > "kept/x"}#\"""",
        """{print > "kept/x"}#\"""",
        """/a"b/ {print > "kept/x"} # it\'s a "quote\"""",
        """{print > "kept/x"} # > "other";""",
        """{print (1)/2 > "kept/x"}""",
    ],
)
def test_what_a_program_writes_is_found_behind_quotes_in_regular_expressions_and_comments(program: str) -> None:
    found = act(program)
    assert "/p/kept/x" in written(found) or found.doubts


@pytest.mark.parametrize(
    "program",
    [
        """/"/{system("id")}#\"""",
        """{print > $1} # > "other";""",
        """{print > "a" ".b"}""",
        """(1)/"/{print > "kept/x"}#/"\"""",
        """x++ /"/{print > "kept/x"}#/"\"""",
        """/[/"]/{print > "kept/x"}#\"""",
        """{print "open""",
    ],
)
def test_what_two_awks_could_read_otherwise_and_what_names_no_file_is_in_doubt(program: str) -> None:
    assert act(program).doubts


@pytest.mark.parametrize(
    "program",
    [
        """{print $1/2 " of " $3/4}""",
        """{s += $1} END {print s/NR " on average"}""",
        """/^"[^"]*"$/ {print "quoted"}""",
        """/\\[/ && !/]/ {n++} END {print n}""",
        """{print (a+b)/2 " x"}""",
        """BEGIN {FS=","} # a comment with a "quote
{print $2}""",
        """{if ($1 ~ /x/) print "yes"; else print "no"}""",
    ],
)
def test_programs_that_only_print_stay_free(program: str) -> None:
    found = act(program)
    assert not found.doubts
    assert not written(found)
