"""Where a command is run, what it writes to, and which scripts it runs."""

from __future__ import annotations

import pytest
from tests.engine.shell_kit import HOME, PROJECT, doubts, named, read, texts

from ringfence.core.shell.command import Direction
from ringfence.core.shell.written import Unread

PLACES = [
    ("probe", [PROJECT]),
    ("cd sub && probe", [f"{PROJECT}/sub"]),
    ("cd sub; probe", [f"{PROJECT}/sub", PROJECT]),
    ("cd sub || probe", [PROJECT]),
    ("cd sub || exit 1; probe", [f"{PROJECT}/sub", PROJECT]),
    ("cd ..; probe", ["/srv"]),
    ("cd /; probe", ["/"]),
    ("cd && probe", [HOME]),
    ("cd ~ && probe", [HOME]),
    ("cd ~/x && probe", [f"{HOME}/x"]),
    ("cd a && cd b && probe", [f"{PROJECT}/a/b"]),
    ("cd a/../b && probe", [f"{PROJECT}/b"]),
    ("cd -P a && probe", [f"{PROJECT}/a"]),
    ("cd $X && probe", [None]),
    ("cd - && probe", [None]),
    ("cd a* && probe", [None]),
    ("CDPATH=/x; cd a && probe", [None]),
    ("(cd a); probe", [PROJECT]),
    ("(cd a && probe)", [f"{PROJECT}/a"]),
    ("cd a | probe", [PROJECT]),
    ("cd a & probe", [PROJECT]),
    ("x=$(cd a && pwd); probe", [PROJECT]),
    ("if cd a; then probe; fi", [f"{PROJECT}/a"]),
    ("if cd a; then :; else probe; fi", [PROJECT]),
    ("pushd a && probe", [f"{PROJECT}/a"]),
    ("pushd a; popd; probe", [None]),
    ("f() { cd a; }; f && probe", [f"{PROJECT}/a"]),
    ("bash -c 'cd a && probe'", [f"{PROJECT}/a"]),
    ("bash -c 'cd a'; probe", [PROJECT]),
    ("env -C a probe", [f"{PROJECT}/a"]),
    ("sudo -D /x probe", ["/x"]),
    ("ssh h probe", [None]),
    ("docker exec b probe", [None]),
    ("find . -execdir probe ';'", [None]),
    ("eval 'cd a' && probe", [f"{PROJECT}/a"]),
    ("! cd a && probe", [PROJECT]),
    ("for d in a b; do (cd $d && probe); done", [f"{PROJECT}/a", f"{PROJECT}/b"]),
    ("trap probe EXIT; cd a", [None]),
]


@pytest.mark.parametrize(("text", "places"), PLACES)
async def test_a_command_is_run_where_the_shell_has_gone(text: str, places: list[str | None]) -> None:
    found = [command.cwd for command in named(await read(text), "probe")]
    assert sorted(map(str, found)) == sorted(map(str, places))


REDIRECTIONS = [
    ("a > f", [(Direction.WRITE, "f")]),
    ("a >> f", [(Direction.APPEND, "f")]),
    ("a >| f", [(Direction.WRITE, "f")]),
    ("a < f", [(Direction.READ, "f")]),
    ("a <> f", [(Direction.BOTH, "f")]),
    ("a &> f", [(Direction.WRITE, "f")]),
    ("a &>> f", [(Direction.APPEND, "f")]),
    ("a >& f", [(Direction.WRITE, "f")]),
    ("a 2> f", [(Direction.WRITE, "f")]),
    ("a {fd}> f", [(Direction.WRITE, "f")]),
    ("a 2>&1", []),
    ("a >&2 2>&-", []),
    ("a > /dev/null 2>&1 < /dev/null", []),
    ("a <<< b", []),
    ("a << E\nE\n", []),
    ("> f", [(Direction.WRITE, "f")]),
    (": > f", [(Direction.WRITE, "f")]),
    ("d=x; a > $d/f", [(Direction.WRITE, "x/f")]),
    ("a > $(b)", [(Direction.WRITE, "?")]),
    ("a > 'f g'", [(Direction.WRITE, "f g")]),
    ("exec > f", [(Direction.WRITE, "f")]),
    ("{ a; } > f", [(Direction.WRITE, "f")]),
    ("while a; do b; done < f", [(Direction.READ, "f")]),
    ("f() { a; } > f; f", [(Direction.WRITE, "f")]),
    ("f() { a; }; f > f", [(Direction.WRITE, "f")]),
    ("eval a > f", [(Direction.WRITE, "f")]),
    ("bash -c a > f", [(Direction.WRITE, "f")]),
    ("watch a > f", [(Direction.WRITE, "f")]),
    ("env a > f", [(Direction.WRITE, "f")]),
    ("command a > f", [(Direction.WRITE, "f")]),
    ("find . -exec a ';' > f", [(Direction.WRITE, "f")]),
    ("xargs a > f", [(Direction.WRITE, "f")]),
    ("time a > f", [(Direction.WRITE, "f")]),
    ("trap 'a > f' EXIT", [(Direction.WRITE, "f")]),
    ("cd x > f", [(Direction.WRITE, "f")]),
    ("read x < f", [(Direction.READ, "f")]),
    ("[[ -n x ]] > f", [(Direction.WRITE, "f")]),
    ("((1)) > f", [(Direction.WRITE, "f")]),
    ("declare x=1 > f", [(Direction.WRITE, "f")]),
    ("case x in y) ;; esac > f", [(Direction.WRITE, "f")]),
    ("uv run a > f", [(Direction.WRITE, "f")]),
    ("sudo a > f", [(Direction.WRITE, "f")]),
    ("env -S 'a b' > f", [(Direction.WRITE, "f")]),
    ("echo $(< f)", [(Direction.READ, "f")]),
]


@pytest.mark.parametrize(("text", "wanted"), REDIRECTIONS)
async def test_redirections_are_the_files_that_they_name(text: str, wanted: list[tuple[Direction, str]]) -> None:
    reading = await read(text)
    found = {(one.direction, one.target.text) for command in reading.commands for one in command.redirections}
    assert found == set(wanted)


async def test_a_script_that_this_run_wrote_is_read_for_what_it_does() -> None:
    wrote = {f"{PROJECT}/x.sh": "rm -rf keep\n"}
    for text in ("sh x.sh", "./x.sh", "bash -e x.sh a", ". ./x.sh", "source x.sh", "sh < x.sh", f"cd / && sh {PROJECT}/x.sh"):
        assert "rm -rf keep" in texts(await read(text, wrote=wrote)), text


async def test_a_script_of_this_run_is_given_its_arguments() -> None:
    assert "rm -rf keep" in texts(await read("sh x.sh -rf keep", wrote={f"{PROJECT}/x.sh": 'rm "$@"\n'}))


async def test_a_script_of_this_run_that_nobody_can_read_is_a_doubt() -> None:
    for text in ("sh x.sh", "./x.sh", ". ./x.sh", "sh < x.sh"):
        assert doubts(await read(text, wrote={f"{PROJECT}/x.sh": Unread.UNREADABLE})) == {"script"}


async def test_a_script_of_this_run_in_another_language_is_a_doubt() -> None:
    assert doubts(await read("./x", wrote={f"{PROJECT}/x": "#!/usr/bin/env python3\nprint(1)\n"})) == {"script"}
    assert "rm x" in texts(await read("./x", wrote={f"{PROJECT}/x": "#!/usr/bin/env bash\nrm x\n"}))


async def test_a_script_that_this_run_has_not_written_is_an_ordinary_command() -> None:
    reading = await read("bash scripts/check.sh; ./gradlew test")
    assert texts(reading) == ["bash scripts/check.sh", "./gradlew test"]
    assert not doubts(reading)


async def test_every_text_that_a_file_may_hold_is_read() -> None:
    found = texts(await read("if a; then echo 'rm x' > s; else echo 'rm y' > s; fi; sh s"))
    assert {"rm x", "rm y"} <= set(found)


async def test_a_variable_of_the_environment_is_what_the_caller_says() -> None:
    (command,) = named(await read('probe "$A" "$B"', environment={"A": "x"}), "probe")
    assert [(word.text, word.is_known) for word in command.words[1:]] == [("x", True), ("?", False)]


async def test_a_shell_that_is_started_knows_only_what_is_exported() -> None:
    (command,) = named(await read('A=x; export B=y; C=z bash -c \'probe "$A" "$B" "$C"\''), "probe")
    assert [word.text for word in command.words[1:]] == ["?", "y", "z"]
