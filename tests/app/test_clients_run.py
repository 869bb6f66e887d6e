"""`ringfence claude-code run`: a run for its client's life, and a clean environment. And the run that `verify` borrows."""

import json
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.app.cli_kit import Office, office, ringfence

from ringfence.app.cli.clients import lent_run

AGENT = "support"
SAYING = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w')); sys.exit(int(sys.argv[2]))"


@pytest.fixture
def people() -> Generator[Office]:
    with office() as opened:
        yield opened


def run(people: Office, *command: str, **environment: str) -> int:
    """The command's exit code."""
    options = ("--agent", AGENT, "--task", "mend it", "--state", str(people.folder))
    return ringfence("claude-code", "run", *options, "--", *command, home=people.folder, **environment).code


def states(people: Office) -> list[str]:
    return [run["id"] for run in people("run", "list", "--json").json["runs"]]


def test_the_client_has_the_credential_of_a_run_that_ends_with_it(people: Office, tmp_path: Path) -> None:
    out = tmp_path / "environment"
    code = run(people, sys.executable, "-c", SAYING, str(out), "3", ANTHROPIC_API_KEY="kept back", HTTP_PROXY="http://proxy")
    assert code == 3
    environment = json.loads(out.read_text("utf-8"))
    assert environment["RINGFENCE_RUN"].startswith("rfr_")
    assert environment.keys() & {"ANTHROPIC_API_KEY", "HTTP_PROXY", "RINGFENCE_OPERATOR_CREDENTIAL", "RINGFENCE_STATE"} == set()
    assert states(people) == []


def test_a_client_that_cannot_be_started_leaves_no_run(people: Office) -> None:
    assert run(people, "/nowhere/claude") == 3
    assert states(people) == []


def test_an_agent_and_a_task_have_to_be_named(people: Office) -> None:
    assert people("claude-code", "run", "--agent", AGENT).code == 2


def test_the_run_that_is_lent_is_closed_after(people: Office) -> None:
    with lent_run(people.folder, AGENT, "a trial") as credential:
        assert credential is not None
        assert len(states(people)) == 1
    assert states(people) == []


def test_where_nobody_lends_a_run_the_one_of_the_environment_is_tried(people: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_RUN", "rfr_given")
    for agent in (None, "nobody"):
        with lent_run(people.folder, agent, "a trial") as credential:
            assert credential == "rfr_given"


@pytest.mark.requirement("I3")
def test_a_project_whose_settings_set_variables_for_commands_has_to_be_allowed(
    people: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text('{"env": {"GIT_SSH_COMMAND": "./evil"}}')
    (tmp_path / ".claude/settings.local.json").write_text("{")
    options = ("--agent", AGENT, "--task", "mend it", "--state", str(people.folder))
    said = ringfence("claude-code", "run", *options, "--", "true", home=people.folder)
    assert said.code == 1
    assert "(settings that cannot be read), GIT_SSH_COMMAND" in said.err
    assert ringfence("claude-code", "run", *options, "--allow-project-env", "--", "true", home=people.folder).code == 0
    assert states(people) == []
