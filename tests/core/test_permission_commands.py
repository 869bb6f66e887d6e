"""Command rules, row by row of the client's own table: what forbids sees through spellings, what allows means its text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfence.core.permissions.commands import Names, names, spell, strictly
from ringfence.core.permissions.statements import is_about_sql, runs
from ringfence.testing.acts import a_command

DENIED = [
    ("t1 x", "t1 x"),
    ("t1 x", "t1  x"),
    ("t1 x", "t1 'x'"),
    ("t1 x", "/opt/bin/t1 x"),
    ("t2 *", "t2"),
    ("t2 *", "t2 a"),
    ("t2 *", "t2\ta"),
    ("t2:*", "t2"),
    ("t2:*", "t2 a"),
    ("t3*", "t3"),
    ("t3*", "t3 a"),
    ("t3*", "t3x"),
    ("t5 * z", "t5 a b z"),
    ("* t6", "foo bar t6"),
    ("t7:* z", "t7:a z"),
    ("t9 -rf *", "t9 -rf x"),
    ("t9 -rf *", "t9 -fr x"),
    ("t9 -rf *", "t9 -r -f x"),
    ("t9 -rf *", "t9 --x -rf y"),
    ("t9 -rf *", "t9 x -r -f"),
    ('t8 "a b"', "t8 'a b'"),
    ("git push --force*", "git push --force-with-lease origin x"),
    ("git push --force*", "git push origin main --force"),
    ("git push *", "git -C /elsewhere push origin"),
    ("git push *", "git -c user.name=x push"),
    ("kubectl delete *", "kubectl -n staging delete -f x.yaml"),
    ("kubectl delete *", "kubectl --context prod delete pod x"),
    ("npm publish *", "npm --access=public publish"),
    ("terraform apply *", "terraform -chdir=infra apply"),
    ("rm -r *", "rm -fr x"),
    ("git push *", "git " + "-c a=b " * 400 + "push"),
    ("mvn * deploy *", "mvn " + "-a x " * 3000 + "deploy"),
    ("echo 'a; b'", "echo 'a; b'"),
    ("t1 x", "'t1' x"),
    ("git commit --no-verify *", "git commit --no-verif -m x"),
    ("git push --force*", "git push --forc origin main"),
]


@pytest.mark.parametrize(("pattern", "command"), DENIED)
def test_a_deny_rule_fits(pattern: str, command: str) -> None:
    assert strictly(pattern, spell(a_command(command)))


FREE = [
    ("t1 x", "t1 x y"),
    ("t1 x", "t1"),
    ("t2 *", "t2x"),
    ("t2 *", "T2 a"),
    ("t5 * z", "t5 z"),
    ("t5 * z", "t5 a z q"),
    ("* t6", "t6"),
    ("t7:* z", "t7 a z"),
    ("git push *", "git log push"),
    ("git push *", "git commit -m push"),
    ("git push --force*", "git push origin main"),
    ("rm -r *", "rm x"),
    ("kubectl delete *", "kubectl get pods"),
    ("kubectl delete *", "kubectl get -n delete pods"),
    ("rm *", "echo rm x"),
    ("git * * * push *", "git " + "-c a " * 3000 + "pull"),
]


@pytest.mark.parametrize(("pattern", "command"), FREE)
def test_a_deny_rule_does_not_fit(pattern: str, command: str) -> None:
    assert not strictly(pattern, spell(a_command(command)))


def test_a_deny_rule_fits_any_spelling_that_is_known() -> None:
    act = replace(a_command("rm x"), spellings=("sudo rm x", "env  FOO=1 rm x"))
    assert strictly("sudo *", spell(act))
    assert strictly("env FOO=1 *", spell(act))


ALLOWED = [
    ("npm test", "npm test", Names.TEXT),
    ("npm test *", "npm test", Names.COMMAND),
    ("npm run *", "npm run build", Names.COMMAND),
    ("npm *", "npm run build", Names.PROGRAM),
    ("make *", "make all", Names.COMMAND),
    ("make:*", "make", Names.COMMAND),
    ("git *", "git push", Names.PROGRAM),
    ("git push *", "git push origin", Names.COMMAND),
    ("docker compose *", "docker compose up", Names.COMMAND),
    ("* --version", "node --version", Names.ANYTHING),
    ("gi*", "git push", Names.ANYTHING),
    ("npm run *", "npm test", Names.NOTHING),
    ("t1 x", "t1 x y", Names.NOTHING),
    ("t2 *", "t2x", Names.NOTHING),
    ("git push *", "/evil/git push", Names.NOTHING),
    ("./gradlew *", "./gradlew test", Names.COMMAND),
    ("git push *", "git -C x push", Names.NOTHING),
    ("curl https://good.example/*", "curl https://good.example/x", Names.COMMAND),
    ("curl https://good.example/*", "curl https://good.example/@evil.example/", Names.NOTHING),
    ("git commit -m *", "git commit -m 'a b'", Names.COMMAND),
]


@pytest.mark.parametrize(("pattern", "command", "names_"), ALLOWED)
def test_an_allow_rule_names_so_much(pattern: str, command: str, names_: Names) -> None:
    assert names(pattern, a_command(command)) is names_


@pytest.mark.parametrize("wrapper", ["sudo", "ssh host", "docker exec box", "su -c", "/usr/bin/sudo"])
def test_a_rule_for_a_command_is_none_for_the_same_as_somebody_else_or_elsewhere(wrapper: str) -> None:
    act = replace(a_command("make all"), via=(wrapper,))
    assert names("make *", act) is Names.NOTHING
    assert names(f"{wrapper} make *", act) is not Names.NOTHING


@pytest.mark.parametrize("wrapper", ["timeout", "nohup", "xargs", "bash -c", "$( )"])
def test_a_rule_for_a_command_holds_behind_what_only_starts_it(wrapper: str) -> None:
    assert names("make *", replace(a_command("make all"), via=(wrapper,))) is Names.COMMAND


def test_a_rule_for_a_runner_speaks_for_what_it_starts() -> None:
    tsc = replace(a_command("tsc --noEmit"), via=("npx",), is_covered=True)
    remove = replace(a_command("rm -rf x"), via=("uv run",), is_covered=True)
    assert names("npx tsc *", tsc) is Names.COMMAND
    assert names("npx *", tsc) is Names.PROGRAM
    assert names("uv run *", remove) is Names.PROGRAM
    assert names("npx tsc *", a_command("tsc --noEmit")) is Names.NOTHING


def test_a_rule_for_a_wrapper_alone_is_none_for_what_it_starts() -> None:
    for wrapper in ("env", "xargs", "timeout", "sh -c"):
        assert names(f"{wrapper.split(' ')[0]} *", replace(a_command("touch m"), via=(wrapper,))) is Names.NOTHING


SQL = [
    ("*DROP TABLE*", "DROP TABLE items", True),
    ("*DROP TABLE*", "DROP TABLE IF EXISTS items", True),
    ("*DROP TABLE*", "DROP VIEW items", False),
    ("*DELETE FROM*", "DELETE stock", True),
    ("*DELETE FROM*", "DELETE FROM stock", True),
    ("*UPDATE * SET *", "UPDATE items", True),
    ("*UPDATE *", "UPDATE items", True),
    ("*TRUNCATE*", "TRUNCATE TABLE x", True),
    ("*DROP TABLE items*", "DROP TABLE items", True),
    ("*DROP TABLE orders*", "DROP TABLE items", False),
]


@pytest.mark.parametrize(("pattern", "statement", "is_run"), SQL)
def test_a_rule_about_sql_means_the_statement(pattern: str, statement: str, is_run: bool) -> None:
    assert is_about_sql(pattern)
    assert runs(pattern, replace(a_command("psql -c x"), statements=(statement,))) is is_run


def test_a_rule_about_a_command_is_not_about_sql() -> None:
    assert not is_about_sql("drop *")
    assert not is_about_sql("* --force")
    assert not is_about_sql("*UPDATED*")


def test_an_allow_rule_on_a_folder_does_not_leave_it_again() -> None:
    assert names("go run ./cmd/*", a_command("go run ./cmd/larderd --help")) is Names.COMMAND
    assert names("go run ./cmd/*", a_command("go run ./cmd/../../evil")) is Names.NOTHING
    assert names("go run ./cmd/*", a_command("go run ./cmd/x/../../../evil")) is Names.NOTHING
