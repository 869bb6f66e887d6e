"""`ringfence permissions explain|check`: what a person is told about a command that nobody ran."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.app.cli_kit import Said, ringfence

CONFIG = """\
version: 1
servers: {orders: {command: [orders]}}
tools: {orders.get: {effect: read}}
agents:
  coder:
    purpose: writes code
    permissions:
      deny: ["Bash(rm *)", "Read(secrets/**)"]
      ask: ["Bash(git push *)"]
      allow: ["Bash(pytest *)", "Edit(/src/**)"]
    local: {roots: ["ROOT"]}
  support: {purpose: has no hooks, tools: [orders.get]}
"""
Explain = Callable[..., Said]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "project"
    (root / "src").mkdir(parents=True)
    (root / "secrets").mkdir()
    (root / "secrets/key").write_text("k", encoding="utf-8")
    (root / "src/a.py").write_text("print()\n", encoding="utf-8")
    (root / "keep").mkdir()
    return root


@pytest.fixture
def permissions(tmp_path: Path, project: Path) -> Explain:
    config = tmp_path / "ringfence.yaml"
    config.write_text(CONFIG.replace("ROOT", str(project)), encoding="utf-8")
    config.chmod(0o600)

    def run(verb: str, *arguments: str, given: str = "") -> Said:
        where = ("--config", str(config), "--cwd", str(project))
        return ringfence("permissions", verb, *arguments, *where, home=tmp_path, given=given)

    return run


def test_a_denied_command_names_the_rule_and_ends_with_one(permissions: Explain) -> None:
    said = permissions("explain", "ls src && sh -c 'rm -rf keep'")
    assert said.code == 1
    assert said.out.startswith("DENY  local.Bash by coder\n")
    assert "deny rule `Bash(rm *)`" in said.out
    assert "rm -rf keep  (through sh -c)" in said.out
    assert "smallest change: " in said.out


def test_an_allowed_command_ends_with_nought(permissions: Explain) -> None:
    said = permissions("explain", "pytest -q | tail -3")
    assert (said.code, said.out.splitlines()[0]) == (0, "ALLOW  local.Bash by coder")
    assert "allow rule `Bash(pytest *)`" in said.out
    assert "needs no rule" in said.out


def test_what_would_be_asked_says_whom(permissions: Explain) -> None:
    said = permissions("explain", "git push origin main")
    assert said.code == 1
    assert said.out.startswith("ASK  local.Bash by coder\n")
    assert "  would ask 1 person\n" in said.out


def test_json_has_each_act_with_its_profile_paths_and_rule(permissions: Explain, project: Path) -> None:
    said = permissions("explain", "cat secrets/key > src/copy", "--json").json
    assert said["decision"] == "deny"
    (act,) = said["acts"]
    assert act["text"] == "cat secrets/key"
    assert act["rule"]["list"] == "deny"
    assert {(use["use"], use["path"]) for use in act["paths"]} == {
        ("read", f"{project}/secrets/key"),
        ("write", f"{project}/src/copy"),
    }
    assert said["reasons"][0]["change"]
    assert "cat" in said["tree"]


@pytest.mark.parametrize(
    ("tool", "path", "code"),
    [
        ("Read", "src/a.py", 0),
        ("Read", "secrets/key", 1),
        ("Edit", "src/a.py", 0),
        ("Write", "other.py", 1),
        ("Read", "src/../secrets/key", 1),
    ],
)
def test_file_tools_are_explained_by_their_path(permissions: Explain, project: Path, tool: str, path: str, code: int) -> None:
    assert permissions("explain", "--tool", tool, "--path", str(project / path)).code == code


def test_any_tool_is_explained_by_its_input(permissions: Explain) -> None:
    said = permissions(
        "explain", "--tool", "WebFetch", "--input", '{"url": "https://docs.example/x", "prompt": "p"}', "--json"
    ).json
    assert said["decision"] == "ask"
    assert said["acts"][0]["hosts"] == ["docs.example"]


def test_a_list_of_commands_is_decided_line_by_line(permissions: Explain) -> None:
    said = permissions("check", "-", "--json", given="ls\n\nrm -rf keep\ngit push\n")
    assert said.code == 1
    assert [(one["command"], one["decision"]) for one in said.json["commands"]] == [
        ("ls", "allow"), ("rm -rf keep", "deny"), ("git push", "ask"),
    ]  # fmt: skip
    assert permissions("check", "-", given="ls\npytest\n").code == 0


@pytest.mark.parametrize(
    "arguments",
    [(), ("ls", "--path", "x"), ("--input", "[]"), ("--input", "{"), ("--tool", "Read", "--path", "x", "--input", "{}")],
)
def test_a_call_has_to_be_said_in_one_way(permissions: Explain, arguments: tuple[str, ...]) -> None:
    assert permissions("explain", *arguments).code == 2


def test_an_agent_without_hooks_has_nothing_to_explain(permissions: Explain) -> None:
    said = permissions("explain", "ls", "--agent", "support")
    assert said.code == 1
    assert "agent support has no `local` section" in said.err


def test_nothing_is_run(permissions: Explain, project: Path) -> None:
    permissions("explain", "touch src/made; rm -rf keep; echo $(touch src/made)")
    assert not (project / "src/made").exists()
    assert (project / "keep").is_dir()


def test_what_a_command_hides_is_spelled_out(permissions: Explain) -> None:
    said = permissions("explain", "echo '\u202ehs.x\u202c'; rm x")
    assert "\u202e" not in said.out
    assert json.loads(permissions("explain", "echo '\u202ehs.x'", "--json").out)
