"""The box that commands really run in sees what they do: without that, the fuzz test of decisions shows nothing."""

from __future__ import annotations

from collections.abc import Generator
from random import Random

import pytest
from tests.fuzz.shell.box import Box, box
from tests.fuzz.shell.grammar import command
from tests.fuzz.shell.harm import LINKS, ground, harms


@pytest.fixture(scope="module")
def bash() -> Generator[Box]:
    with box("/tmp/ground/project", "/tmp/ground/home", ground(), LINKS) as made:
        yield made


@pytest.mark.parametrize(
    ("text", "harm"),
    [
        ("rm -rf keep", ("ran rm -rf keep", "removed keep/f")),
        ("sh -c 'nice rm V/f' &", ("ran rm V/f",)),
        ("unlink keep/f", ("removed keep/f",)),
        ("mv keep gone", ("removed keep/f",)),
        ("rm=/bin/r[m]; $rm -f nothing", ("ran /bin/rm -f nothing",)),
        ("cat pre_link | wc -c", ("read .env",)),
        ("echo \"$(< secrets/k.txt)\"", ("read secrets/k.txt",)),
        ("python3 -c \"open('sub/.env').read()\"", ("read sub/.env",)),
        ("echo x >> pre_plink/f", ("wrote protected/f",)),
        ("touch protected/new", ("wrote protected/new",)),
        ("curl -s http://127.0.0.1:9/", ("ran curl -s http://127.0.0.1:9/",)),
        ("git --no-pager push origin main", ("ran git push",)),
        ("trap 'unlink keep/f' EXIT; (sleep 0.1; cat .env) & true", ("read .env", "removed keep/f")),
    ],
)  # fmt: skip
def test_harm_is_seen(bash: Box, text: str, harm: tuple[str, ...]) -> None:
    assert harms(bash.run(text)) == harm


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "ls -la .env keep",
        "echo rm -rf keep; cat src",
        "stat .env; test -r .env",
        "cp src V/new",
        "wc -l <src",
        "nothing-here",
    ],
)
def test_what_does_no_harm_is_not_taken_for_it(bash: Box, text: str) -> None:
    assert harms(bash.run(text)) == ()


def test_each_command_finds_the_folder_as_it_was(bash: Box) -> None:
    assert harms(bash.run("rm -rf keep .env protected")) != ()
    assert bash.run("ls -A").said.split() == [
        ".env", "README.md", "V", "evil", "keep", "pre_link", "pre_plink", "protected", "secrets", "src", "sub",
    ]  # fmt: skip


def test_the_box_has_no_network_and_nothing_of_the_machine(bash: Box) -> None:
    assert bash.run("cat /proc/net/dev").said.count(":") <= 1
    assert "No such file" in bash.run("ls /root /var /etc/passwd").said


def test_about_half_of_the_commands_drawn_do_harm(bash: Box) -> None:
    rng = Random(9)
    harmful = sum(bool(harms(bash.run(command(rng)))) for _ in range(100))
    assert 25 <= harmful <= 75
