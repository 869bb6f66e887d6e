"""What `verify` says of files, of users and of a gateway, without any client."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.app.clients_kit import Said, ringfence

from ringfence.app.clients.claude_state import installed
from ringfence.app.clients.clean_environment import clean
from ringfence.app.clients.credential_trials import strangers, worthless
from ringfence.app.clients.findings import Finding, Standing
from ringfence.app.clients.open_ends import open_ends, port
from ringfence.app.clients.tiny_web import Answer, Asked, served


def prepared(folder: Path) -> Path:
    """A whole installation."""
    managed = folder / "managed"
    assert ringfence("claude-code", "install", "--managed-dir", str(managed), home=folder).code == 0
    return managed


def changed(managed: Path, change: dict[str, Any], name: str = "managed-settings.json") -> None:
    file = managed / name
    file.parent.mkdir(exist_ok=True)
    value = json.loads(file.read_text("utf-8")) if file.exists() else {}
    file.write_text(json.dumps(value | change), "utf-8")


def standings(found: Any) -> dict[str, Standing]:
    return {each.name: each.standing for each in found}


def test_a_whole_installation_holds_as_far_as_files_tell(tmp_path: Path) -> None:
    found = standings(installed(prepared(tmp_path)))
    assert found["installed"] is Standing.HOLDS
    assert found["minimum-version"] is Standing.HOLDS


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    "change, name, broken",
    [
        ({"allowManagedHooksOnly": False}, "managed-settings.json", "installed"),
        ({"disableAllHooks": True}, "managed-settings.json", "installed"),
        ({"env": {}}, "managed-settings.json", "installed"),
        ({"requiredMinimumVersion": "2.0.0"}, "managed-settings.json", "minimum-version"),
        ({"hooks": {}}, "managed-settings.json", "installed"),
        ({"mcpServers": {"other": {"type": "http", "url": "https://other.example"}}}, "managed-mcp.json", "installed"),
        ({"disableAllHooks": True}, "managed-settings.d/90.json", "later-file 90.json"),
        ({"env": {"ANTHROPIC_BASE_URL": "https://other.example"}}, "managed-settings.d/90.json", "later-file 90.json"),
    ],
)
def test_what_somebody_changed_is_found(tmp_path: Path, change: dict[str, Any], name: str, broken: str) -> None:
    managed = prepared(tmp_path)
    changed(managed, change, name)
    assert standings(installed(managed))[broken] is Standing.BROKEN


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("name", ["ringfence-hook.py", "managed-mcp.json"])
def test_a_file_that_is_gone_is_found(tmp_path: Path, name: str) -> None:
    managed = prepared(tmp_path)
    (managed / name).unlink()
    found = standings(installed(managed))
    assert (found["installed"], found["readable-by-all"]) == (Standing.BROKEN, Standing.HOLDS)


@pytest.mark.requirement("I3")
def test_a_hook_file_that_is_not_this_versions_is_found(tmp_path: Path) -> None:
    managed = prepared(tmp_path)
    (managed / "ringfence-hook.py").write_text("print('{}')\n", "utf-8")
    assert standings(installed(managed))["installed"] is Standing.BROKEN


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    "place, name", [("hook", "installed"), ("python", "owned-by-root")], ids=["another file", "another Python"]
)
def test_a_start_hook_that_starts_something_else_is_found(tmp_path: Path, place: str, name: str) -> None:
    managed = prepared(tmp_path)
    other = tmp_path / "other"
    other.write_text("print('{}')\n", "utf-8")
    other.chmod(0o777)
    hooks = json.loads((managed / "managed-settings.json").read_text("utf-8"))["hooks"]
    handler = hooks["SessionStart"][0]["hooks"][0]
    if place == "hook":
        handler["args"][2] = str(other)
    else:
        handler["command"] = str(other)
    changed(managed, {"hooks": hooks})
    assert standings(installed(managed))[name] is Standing.BROKEN


def test_a_search_path_that_others_can_write_is_named(tmp_path: Path) -> None:
    managed = prepared(tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    programs.chmod(0o777)
    environment = json.loads((managed / "managed-settings.json").read_text("utf-8"))["env"]
    changed(managed, {"env": {**environment, "PATH": f"/usr/bin:{programs}"}})
    found = {each.name: each for each in installed(managed)}
    assert found["search-path"].standing is Standing.OPEN
    assert str(programs) in found["search-path"].happened


def test_a_search_path_that_is_not_there_and_that_others_can_make_is_named(tmp_path: Path) -> None:
    managed = prepared(tmp_path)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    environment = json.loads((managed / "managed-settings.json").read_text("utf-8"))["env"]
    changed(managed, {"env": {**environment, "PATH": f"/usr/bin:{tmp_path}/open/bin"}})
    found = {each.name: each for each in installed(managed)}
    assert str(tmp_path / "open") in found["search-path"].happened


def test_a_search_path_that_this_user_may_not_look_into_is_no_fault(tmp_path: Path) -> None:
    """Root's folders, where root installed it and somebody else verifies. A name that is too long is as little to look at."""
    managed = prepared(tmp_path)
    environment = json.loads((managed / "managed-settings.json").read_text("utf-8"))["env"]
    changed(managed, {"env": {**environment, "PATH": "/usr/bin:/" + "x" * 300}})
    assert standings(installed(managed))["installed"] is Standing.HOLDS


def test_files_that_others_can_write_are_found(tmp_path: Path) -> None:
    managed = prepared(tmp_path)
    (managed / "managed-settings.json").chmod(0o666)
    assert standings(installed(managed))["owned-by-root"] is Standing.BROKEN


def test_other_managed_hooks_are_named(tmp_path: Path) -> None:
    managed = prepared(tmp_path)
    hooks = json.loads((managed / "managed-settings.json").read_text("utf-8"))["hooks"]
    hooks["PreToolUse"].insert(0, {"matcher": "Bash", "hooks": [{"type": "command", "command": "/opt/audit"}]})
    changed(managed, {"hooks": hooks})
    assert standings(installed(managed))["other-hooks"] is Standing.OPEN


def test_nothing_installed_is_broken_and_an_unknown_client_unproven(tmp_path: Path) -> None:
    said = verify(tmp_path, tmp_path / "managed")
    assert said.code == 1
    assert {"installed": "broken", "client": "unproven"}.items() <= standing_words(said).items()


def test_without_a_client_nothing_is_called_proven(tmp_path: Path) -> None:
    said = verify(tmp_path, prepared(tmp_path), PATH="/nowhere")
    assert said.code == 1
    assert standing_words(said)["client"] == "unproven"
    assert not said.json["holds"]


def verify(folder: Path, managed: Path, **environment: str) -> Said:
    return ringfence("claude-code", "verify", "--managed-dir", str(managed), "--json", home=folder, **environment)


def standing_words(said: Said) -> dict[str, str]:
    return {each["name"]: each["standing"] for each in said.json["findings"]}


def test_what_stays_open_is_said(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    state = tmp_path / "state"
    state.mkdir()
    found = {each.name: each for each in open_ends(tmp_path, {"DEPLOY_TOKEN": "x", "PATH": "/bin"}, state, {})}
    assert all(each.standing is Standing.OPEN for each in found.values())
    assert found["readable-secrets"].happened == "~/.ssh"
    assert found["secret-variables"].happened == "DEPLOY_TOKEN"
    assert {"no-sandbox", "same-user", "mentioned-files", "failing-commands"} <= found.keys()
    assert "no-sandbox" not in {each.name for each in open_ends(tmp_path, {}, state, {"sandbox": {"enabled": True}})}


@pytest.mark.requirement("I3")
def test_a_credential_that_people_s_side_takes_is_broken() -> None:
    assert worthless(lambda path, credential: "unauthenticated", "rf").standing is Standing.HOLDS
    taken = worthless(lambda path, credential: None if path == "/stops" else "unauthenticated", "rf")
    assert (taken.standing, taken.happened) == (Standing.BROKEN, "it was given /stops")


@pytest.mark.parametrize("decision, standing", [("deny", Standing.HOLDS), ("allow", Standing.BROKEN), ("", Standing.UNPROVEN)])
def test_a_hook_that_lets_strangers_in_is_broken(decision: str, standing: Standing) -> None:
    body = json.dumps(
        {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": decision}} if decision else {}
    )
    asked: list[Asked] = []

    def answering(one: Asked) -> Answer:
        asked.append(one)
        return Answer(body=body.encode())

    with served(answering) as port:
        found: list[Finding] = list(strangers(f"http://127.0.0.1:{port}", None))
    assert [each.standing for each in found] == [standing, standing]
    assert [one.authorization for one in asked] == ["", "Bearer rf-nobody-gave-this-out"]


def test_a_client_gets_no_secret_of_the_person_who_starts_it() -> None:
    given = {
        "PATH": "/bin", "HOME": "/home/ada", "LC_ALL": "C.UTF-8", "ANTHROPIC_API_KEY": "a", "AWS_SECRET_ACCESS_KEY": "b",
        "SSH_AUTH_SOCK": "/tmp/agent", "HTTP_PROXY": "http://proxy", "RINGFENCE_OPERATOR_CREDENTIAL": "c", "GOPATH": "/go",
        "RINGFENCE_RUN": "another",
    }  # fmt: skip
    assert clean(given, "rf", ["GOPATH", "NOT_SET"]) == {
        "PATH": "/bin",
        "HOME": "/home/ada",
        "LC_ALL": "C.UTF-8",
        "GOPATH": "/go",
        "RINGFENCE_RUN": "rf",
    }


@pytest.mark.requirement("I3")
def test_a_folder_or_file_that_some_users_cannot_read_is_broken(tmp_path: Path) -> None:
    managed = prepared(tmp_path)
    assert standings(installed(managed))["readable-by-all"] is Standing.HOLDS
    for place, mode in ((managed, 0o750), (managed / "managed-settings.json", 0o640)):
        before = place.stat().st_mode
        place.chmod(mode)
        assert standings(installed(managed))["readable-by-all"] is Standing.BROKEN
        place.chmod(before)


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("place", ["managed-settings.d", "managed-settings.d/50-team.json"])
def test_a_place_for_later_files_that_others_can_write_is_found(tmp_path: Path, place: str) -> None:
    managed = prepared(tmp_path)
    changed(managed, {"model": "opus"}, "managed-settings.d/50-team.json")
    (managed / place).chmod(0o777)
    found = {each.name: each for each in installed(managed)}
    assert found["owned-by-root"].standing is Standing.BROKEN
    # Where the tests' own user is not root, all of it is somebody else's to begin with.
    assert (str(managed / place) if os.geteuid() == 0 else "belongs to") in found["owned-by-root"].happened


@pytest.mark.parametrize("broken", ["{", "[]", "[" * 100_000], ids=["cut off", "a list", "too deep"])
def test_settings_that_cannot_be_read_are_findings_too(tmp_path: Path, broken: str) -> None:
    managed = prepared(tmp_path)
    (managed / "managed-settings.json").write_text(broken)
    client = tmp_path / "claude"
    client.write_text("#!/bin/sh\n")
    client.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/claude").symlink_to(client)
    said = verify(tmp_path, managed, PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert said.code == 1
    assert {"installed": "broken", "client": "unproven"}.items() <= standing_words(said).items()


def test_where_nothing_is_installed_that_is_what_is_said_of_the_client(tmp_path: Path) -> None:
    (tmp_path / "managed").mkdir()
    said = ringfence(
        "claude-code", "verify", "--managed-dir", str(tmp_path / "managed"), "--cli", "/bin/true", "--json", home=tmp_path
    )
    [client] = [each for each in said.json["findings"] if each["name"] == "client"]
    assert client["happened"].startswith("nothing is installed")
    assert client["remedy"] == "ringfence claude-code install"


@pytest.mark.parametrize(
    "url, found", [("http://127.0.0.1:65000", ["port"]), ("http://127.0.0.1:1", []), ("https://gateway.example", [])]
)
def test_a_port_that_anybody_may_take_while_the_gateway_is_away_is_said(url: str, found: list[str]) -> None:
    assert [each.name for each in port(url)] == found
