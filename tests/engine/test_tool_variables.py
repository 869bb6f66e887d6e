"""Variables that a tool takes options, programs and folders from, before one command or exported to those that follow."""

from __future__ import annotations

import pytest

from ringfence.app.wiring.judging import judging
from ringfence.core.model.local import Judgement, Place, Undecided
from ringfence.core.shell.tool_variables import steers_a_tool
from ringfence.core.shell.written import Unread

PLACE = Place(cwd="/srv/project", roots=("/srv/project",), home="/home/ada")


async def judged(text: str) -> Judgement:
    async with judging() as judge:
        return await judge.judge("Bash", {"command": text}, PLACE, written=lambda _path: Unread.NOT_WRITTEN, secret_scan=False)


def doubts(judgement: Judgement) -> set[Undecided]:
    return {doubt.kind for act in judgement.acts for doubt in act.doubts} | {doubt.kind for doubt in judgement.doubts}


STEERING = [
    "LESS=+!x", "LESSKEY=x", "MANOPT=-Px", "NODE_V8_COVERAGE=infra", "PYTEST_ADDOPTS=-p x", "PYTEST_PLUGINS=x",
    "TOX_OVERRIDE=x", "RUFF_OUTPUT_FILE=x", "COVERAGE_FILE=x", "VIRTUAL_ENV=/tmp/x", "GOCACHEPROG=./x",
    "GOTOOLCHAIN=path", "GOENV=/tmp/x", "CGO_CFLAGS=-fplugin=./x", "PKG_CONFIG=./x", "CARGO_ENCODED_RUSTFLAGS=x",
    "CARGO_BUILD_RUSTFLAGS=x", "RUSTUP_TOOLCHAIN=/x", "JAVA_HOME=/tmp/x", "JAVACMD=./x", "JAVA_OPTS=-javaagent:x",
    "MAVEN_ARGS=-s/tmp/x", "GRADLE_USER_HOME=/tmp/x", "JUST_SHELL=./x", "COMPOSE_FILE=/tmp/x",
    "DOCKER_CLI_PLUGIN_EXTRA_DIRS=x", "TF_LOG_PATH=x", "TF_REATTACH_PROVIDERS=x", "PGSYSCONFDIR=x", "SSLKEYLOGFILE=x",
    "JQ_LIBRARY_PATH=x", "AWKPATH=x", "GNUPGHOME=/tmp/x", "XDG_DATA_HOME=/tmp/x", "COREPACK_NPM_REGISTRY=x",
]  # fmt: skip
HARMLESS = [
    "LESS=-FRX", "PYTEST_ADDOPTS=-q --color=no", "VIRTUAL_ENV=.venv", "GOTOOLCHAIN=local",
    "JAVA_HOME=/usr/lib/jvm/java-21", "CARGO_TERM_COLOR=never", "CARGO_INCREMENTAL=0", "COMPOSE_PROJECT_NAME=x",
    "DOCKER_BUILDKIT=1", "TF_LOG=debug", "TF_VAR_a=b", "RUSTUP_TOOLCHAIN=stable", "JAVA_OPTS=-Xmx2g",
    "SSL_CERT_FILE=/etc/ssl/cert.pem", "CGO_ENABLED=0", "NODE_ENV=test", "CI=1", "RUST_LOG=debug", "GOOS=linux",
    "PGSSLMODE=require", "PY_COLORS=1", "DATABASE_URL=x",
]  # fmt: skip


@pytest.mark.parametrize("assignment", STEERING)
def test_a_variable_that_steers_a_tool_does_so(assignment: str) -> None:
    name, _, value = assignment.partition("=")
    assert steers_a_tool(name, value, is_known=True)
    assert steers_a_tool(name, "?", is_known=False)


@pytest.mark.parametrize("assignment", HARMLESS)
def test_one_of_every_day_does_not(assignment: str) -> None:
    name, _, value = assignment.partition("=")
    assert not steers_a_tool(name, value, is_known=True)


@pytest.mark.parametrize(
    "text", ["GOCACHEPROG=./x go build ./...", "export GOCACHEPROG=./x; go build ./...", "JAVACMD=./x mvn test"]
)
async def test_such_a_variable_is_in_doubt(text: str) -> None:
    assert doubts(await judged(text))


@pytest.mark.parametrize(
    "text", ["RUST_LOG=debug cargo test", "export NODE_ENV=test; npm test", "JAVA_HOME=/usr/lib/jvm/x ./gradlew build"]
)
async def test_others_are_not(text: str) -> None:
    assert not doubts(await judged(text))


@pytest.mark.parametrize("text", ["PYTHON='touch M;' make test", "CC=./x make", "X=$(date) make", "X='a b' just check"])
async def test_a_rule_may_run_a_variable_that_it_takes_from_around(text: str) -> None:
    assert Undecided.EVAL in doubts(await judged(text))


async def test_a_word_alone_is_none_to_run() -> None:
    assert not doubts(await judged("VERBOSE=1 make test"))
