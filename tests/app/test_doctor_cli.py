"""`ringfence doctor` as people and scripts meet it: exit codes, JSON, words; in this process, and as a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.app.cli_kit import Office, Said, ringfence
from tests.app.doctor_kit import QUIET, Place

from ringfence.app.doctor.gather_environment import AGENT_SHELLS, OPERATOR_CREDENTIAL, variables
from ringfence.core.scan.redactor import Redactor

NAMED = "just-a-word-that-is-one"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A clean environment, whatever this test runs in."""
    for variable in variables(os.environ, Redactor()):
        monkeypatch.delenv(variable.name)
    for name in (*AGENT_SHELLS, OPERATOR_CREDENTIAL):
        monkeypatch.delenv(name, raising=False)
    place = Place.made(tmp_path)
    monkeypatch.chdir(place.work)
    return place


def doctor(place: Place, *arguments: str, **environment: str) -> Said:
    return ringfence("doctor", *arguments, home=place.home, **environment)


def test_nothing_serious_ends_with_zero(place: Place) -> None:
    said = doctor(place, "--json")
    assert said.code == 0
    assert said.json["ok"] is True
    assert said.json["findings"] == []
    assert said.json["posture"]["is"] == "separate"
    assert said.json["looked_at"] == {"config": "ringfence.yaml", "state": None, "gateway": "not running"}
    assert "nothing found" in doctor(place).out


def test_warnings_alone_end_with_zero(place: Place) -> None:
    said = doctor(place, "--json", DEPLOY_TOKEN=NAMED)
    assert (said.code, said.json["ok"], said.json["counts"]) == (0, True, {"serious": 0, "warning": 1, "notice": 0})


def test_what_is_serious_comes_first_and_ends_with_one(place: Place) -> None:
    place.config.chmod(0o666)
    said = doctor(place, DEPLOY_TOKEN=NAMED)
    assert said.code == 1
    lines = said.out.splitlines()
    titles = [line for line in lines if line.startswith(("serious: ", "warning: "))]
    assert [title.rpartition(" ")[2] for title in titles] == ["[writable_by_others]", "[environment_secret]"]
    after = lines[lines.index(titles[0]) + 1 :]
    assert after[0].strip() == "ringfence.yaml"
    assert after[1].startswith("  > chmod 644 ringfence.yaml")
    assert lines[-1] == "1 serious, 1 warning"


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_configuration_that_is_not_there_is_a_usage_error(place: Place, as_json: list[str]) -> None:
    assert doctor(place, "--config", "none.yaml", *as_json).code == 2
    place.config.unlink()
    assert doctor(place, *as_json).code == 2
    assert doctor(place, "--no-such-option").code == 2
    assert doctor(place, "no-such-part").code == 2


def test_a_state_directory_that_is_not_there_is_unavailable(place: Place) -> None:
    said = doctor(place, "--state", str(place.root / "none"), "--json")
    assert said.code == 3
    assert said.json["error"]["code"] == "unavailable"


def test_a_state_directory_alone_is_looked_at(place: Place) -> None:
    place.config.unlink()
    state = place.root / "state"
    state.mkdir()
    (state / "log.key").touch()
    (state / "log.key").chmod(0o644)
    said = doctor(place, "--state", str(state), "--json")
    assert said.code == 1
    assert said.json["findings"][0]["code"] == "readable_by_others"
    assert said.json["looked_at"]["config"] is None
    assert said.json["posture"] is None


def test_a_configuration_that_is_refused_ends_with_one(place: Place) -> None:
    place.config.write_text("version: 1\nagnts: {}\n")
    said = doctor(place, "--json")
    assert said.code == 1
    assert said.json["findings"][0]["code"] == "config_unusable"


def test_the_help_says_what_it_is_for(place: Place) -> None:
    said = doctor(place, "--help")
    assert said.code == 0
    assert "what to do about it" in said.out


@pytest.fixture
def office(place: Place) -> Generator[Office]:
    state = place.root / "state"
    state.mkdir(mode=0o711)
    opened = Office(state)
    yield opened
    opened.close()


def test_a_running_control_plane_is_asked(place: Place, office: Office) -> None:
    run = office("run", "start", "--agent", "support", "--task", "x", "--json").json["run"]
    bound = office("run", "start", "--agent", "support", "--task", "x", "--bind", "uid:1000", "--json").json["run"]
    said = doctor(place, "--state", str(office.folder), "--json")
    assert said.json["looked_at"]["gateway"] == "running"
    [finding] = [finding for finding in said.json["findings"] if finding["code"] == "unbound_bearer"]
    assert finding["where"] == [f"run {run} (support)"]
    assert bound not in said.out


@pytest.mark.requirement("I9")
def test_the_program_itself_finds_and_never_shows(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    secrets = {name: f"{name}-hidden-{number}q7" for number, name in enumerate(("config", "client", "shell", "file", "dotenv"))}
    place.configure(
        {
            **QUIET,
            "servers": {
                "shop": {"command": ["/bin/true"], "env": {"API_KEY": secrets["config"], "OTHER": {"from": "file:token"}}}
            },
            "agents": {"clerk": {"purpose": "x", "tools": ["shop.*"]}},
        }
    )
    place.write("token", secrets["file"], 0o644)
    place.write(".mcp.json", json.dumps({"mcpServers": {"a": {"command": "x", "env": {"A_TOKEN": secrets["client"]}}}}))
    place.write(".env", f"DB_PASSWORD={secrets['dotenv']}\n")
    environment = {"PATH": "/usr/bin", "HOME": str(place.home), "CLAUDECODE": "1", "B_SECRET": secrets["shell"]}
    for form in ([], ["--json"]):
        ended = subprocess.run(
            [sys.executable, "-m", "ringfence", "doctor", "--config", str(place.config), *form],
            cwd=place.work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 1, ended.stderr
        for code in (
            *("config_secret", "client_secret", "environment_secret", "env_file_secret"),
            *("readable_by_others", "mixed_credential", "posture_shared"),
        ):
            assert code in ended.stdout
        said = ended.stdout + ended.stderr
        assert [name for name, value in secrets.items() if value in said] == []
