"""Words of ordinary programs that make them do more than they are for."""

from __future__ import annotations

import pytest

from ringfence.app.wiring.judging import judging
from ringfence.core.model.local import Judgement, Place, Undecided, Use
from ringfence.core.model.profile import Effect, Sensitivity
from ringfence.core.shell.written import Unread

PLACE = Place(cwd="/srv/project", roots=("/srv/project",), home="/home/ada")


async def judged(text: str) -> Judgement:
    async with judging() as judge:
        return await judge.judge("Bash", {"command": text}, PLACE, written=_nothing, secret_scan=False)


def _nothing(_path: str) -> Unread:
    return Unread.NOT_WRITTEN


def doubts(judgement: Judgement) -> set[Undecided]:
    return {doubt.kind for act in judgement.acts for doubt in act.doubts}


def touched(judgement: Judgement) -> set[tuple[Use, str]]:
    return {(use.use, use.path) for act in judgement.acts for use in act.paths}


@pytest.mark.parametrize(
    "text",
    [
        "psql -o '|touch M' -c 'select 1'",
        "psql -c \"COPY x TO PROGRAM 'touch M'\"",
        "psql -c \"select pg_read_file('x')\"",
        "psql -c \"select dblink_exec('x', 'drop table y')\"",
        "gcc -wrapper sh,-c,'touch M' x.c",
        "gcc -fplugin=./x.so x.c",
        "man -P ./x ls",
        "python -m ftplib evil.example",
        "npx tsc --outFile .claude/settings.json",
        "npx tsc --outDir .claude",
        "docker compose -f <(echo x) up",
        "make -f /dev/stdin < x",
        "just --set x 'a; b' y",
        "mvn org.codehaus.mojo:exec-maven-plugin:3:java",
        "go build -ldflags='-extld=./x' ./...",
        "./gradlew -Dorg.gradle.jvmargs=-javaagent:x build",
        "npx eslint --fix -o .claude/settings.json .",
    ],
)
async def test_words_that_reach_further_are_in_doubt(text: str) -> None:
    assert doubts(await judged(text))


@pytest.mark.parametrize(
    "text",
    ["psql -c 'select 1'", "gcc -O2 -o x x.c", "man ls", "man 3 printf", "npx tsc --outDir dist", "gh pr view 1 --jq .title"],
)
async def test_the_same_programs_at_their_work_are_not(text: str) -> None:
    assert not doubts(await judged(text))


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("pytest --basetemp=src", (Use.DELETE, "/srv/project/src")),
        ("python -m venv /etc/x", (Use.WRITE, "/etc/x")),
        ("python -m build --outdir /etc", (Use.WRITE, "/etc")),
        ("man -l .env", (Use.READ, "/srv/project/.env")),
        ("kubectl get pods -o go-template-file=.env", (Use.READ, "/srv/project/.env")),
        ("python -m netrc", (Use.READ, "/home/ada/.netrc")),
        ("python -m zipapp . -o M", (Use.READ, "/srv/project")),
        ("ruff check --fix /etc", (Use.WRITE, "/etc")),
        ("mypy --python-executable ./x src", (Use.EXECUTE, "/srv/project/x")),
    ],
)
async def test_files_that_an_option_names_are_named(text: str, use: tuple[Use, str]) -> None:
    assert use in touched(await judged(text))


@pytest.mark.parametrize(
    "text",
    ["kubectl get Secret", "kubectl get all,secret -o yaml", "kubectl get --raw /api/v1/secrets", "kubectl get secrets.v1"],
)
async def test_secrets_of_a_cluster_are_meant_however_they_are_written(text: str) -> None:
    judgement = await judged(text)
    assert judgement.profile.sensitivity is Sensitivity.REGULATED
    assert "kubectl get secret" in judgement.acts[0].spellings


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("git push -f origin main", "git push --force origin main"),
        ("git push origin +main", "git push --force origin +main"),
        ("git push -d origin main", "git push --delete origin main"),
        ("git push origin :main", "git push --delete origin :main"),
        ("git commit -n -m x", "git commit --no-verify"),
        ("git commit -anm x", "git commit --no-verify"),
    ],
)
async def test_short_options_of_git_are_held_against_rules_that_name_the_long_ones(text: str, spelling: str) -> None:
    assert spelling in (await judged(text)).acts[0].spellings


async def test_an_explanation_that_runs_its_statement_names_it() -> None:
    judgement = await judged('psql -c "explain analyze delete from items"')
    assert "delete from items" in judgement.acts[0].statements[0].lower()


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("pnpm kubectl delete pod x", "kubectl delete pod x"),
        ("pnpm -r kubectl delete pod x", "kubectl delete pod x"),
        ("pnpm --filter web kubectl delete pod x", "kubectl delete pod x"),
        ("pnpm sh -c 'git push --force'", "git push --force"),
    ],
)
async def test_what_is_no_subcommand_of_a_runner_is_a_command(text: str, inner: str) -> None:
    assert inner in {act.text for act in (await judged(text)).acts}


@pytest.mark.parametrize("text", ["pnpm test", "pnpm run kubectl", "pnpm add kubectl", "pnpm -r build"])
async def test_what_is_one_is_none(text: str) -> None:
    assert not [act for act in (await judged(text)).acts if act.words[:1] in (("kubectl",), ("test",))]


async def test_a_wrapper_that_writes_is_an_act_of_its_own() -> None:
    judgement = await judged("/usr/bin/time -o M make test")
    assert (Use.WRITE, "/srv/project/M") in touched(judgement)
    assert "make test" in {act.text for act in judgement.acts}


async def test_a_variable_that_passes_hooks_over_is_held_against_rules_on_them() -> None:
    assert "git commit --no-verify" in " ".join((await judged("HUSKY=0 git commit -m x")).acts[0].spellings)


async def test_a_linter_of_the_project_changes_nothing_outside() -> None:
    assert not [use for use, _ in touched(await judged("ruff check --fix src ./tests")) if use is Use.WRITE]


@pytest.mark.parametrize(
    "text",
    [
        "shopt -s dotglob; cat *",
        "GLOBIGNORE=x; cat *",
        "bash -O dotglob -c 'cat *'",
        "shopt -s globstar; cat **",
        "cat @(.env)",
        "for PATH in /tmp/evil; do ls; done",
        "printf -v PATH %s /tmp/evil; ls",
        "read PATH <<< /tmp/evil; ls",
        "read -r LD_PRELOAD < f; ls",
        "declare -n r=PATH; r=/tmp/evil; ls",
        "compgen -W '$(touch M)'",
    ],
)
async def test_what_changes_how_words_are_read_is_in_doubt(text: str) -> None:
    judgement = await judged(text)
    assert judgement.doubts or doubts(judgement)


@pytest.mark.parametrize(
    "text",
    ["ip route add default via 192.0.2.1", "ip l s eth0 down", "hostname evil", "dmesg -C", "journalctl --vacuum-time=1s",
     "ss -K dst 192.0.2.1", "hostnamectl set-hostname x", "loginctl terminate-user x", "sftp -b x y", "ip netns exec x ls"],
)  # fmt: skip
async def test_programs_that_tell_of_the_machine_may_change_it(text: str) -> None:
    assert (await judged(text)).profile.effect is Effect.WRITE


@pytest.mark.parametrize(
    "text", ["ip a", "ip -br addr", "ip addr show eth0", "ip route get 192.0.2.1", "hostname", "hostname -f",
             "dmesg -T", "ss -tlnp",
             "journalctl -u x -n 50", "hostnamectl", "loginctl list-sessions", "nvidia-smi"],
)  # fmt: skip
async def test_the_same_programs_only_tell_otherwise(text: str) -> None:
    judgement = await judged(text)
    assert judgement.profile.effect is Effect.READ
    assert not doubts(judgement)
