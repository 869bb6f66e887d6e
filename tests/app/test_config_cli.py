"""The commands as people and scripts meet them: words, exit codes, JSON."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ringfence.app.cli.config_commands import register
from ringfence.app.config.layout import config_schema

app = typer.Typer()
register(app)
runner = CliRunner()

GOOD = "version: 1\nservers: {git: {command: [g], env: {API_KEY: abc}}}\ntools: {git.log: {effect: read}}\n"


def test_check_says_that_a_file_is_good_and_warns(tmp_path: Path) -> None:
    path = tmp_path / "ringfence.yaml"
    path.write_text(GOOD)
    result = runner.invoke(app, ["config", "check", str(path)])
    assert result.exit_code == 0
    assert "good (1 server, 1 tool, 0 agents)" in result.stdout
    assert "looks like a credential" in result.stderr
    answer = json.loads(runner.invoke(app, ["config", "check", str(path), "--json"]).stdout)
    assert (answer["ok"], answer["servers"], len(answer["warnings"]), len(answer["digest"])) == (True, 1, 1, 64)


def test_check_lists_every_problem_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "ringfence.yaml"
    path.write_text(GOOD.replace("effect", "efect") + "agnts: {}\n")
    result = runner.invoke(app, ["config", "check", str(path)])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[:2] == [
        f"{path}:3:19: tools.git.log: unknown key `efect`; nearest known: `effect`",
        f"{path}:4:1: unknown key `agnts`; nearest known: `agents`",
    ]
    answered = runner.invoke(app, ["config", "check", str(path), "--json"])
    assert answered.exit_code == 1
    assert [line.rpartition("; ")[2] for line in json.loads(answered.stdout)["problems"]] == [
        "nearest known: `effect`",
        "nearest known: `agents`",
    ]


@pytest.mark.parametrize("command", [["config", "check"], ["init"], ["assess"]])
def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path, command: list[str]) -> None:
    result = runner.invoke(app, [*command, str(tmp_path / "none")])
    assert (result.exit_code, "no such file" in result.stderr) == (2, True)
    answered = runner.invoke(app, [*command, str(tmp_path / "none"), "--json"])
    assert (answered.exit_code, "no such file" in json.loads(answered.stdout)["error"]) == (2, True)


def test_schema_is_printed_or_written(tmp_path: Path) -> None:
    assert json.loads(runner.invoke(app, ["config", "schema"]).stdout) == config_schema()
    path = tmp_path / "schema.json"
    assert json.loads(runner.invoke(app, ["config", "schema", "--output", str(path), "--json"]).stdout) == {
        "written": str(path)
    }
    assert json.loads(path.read_text("utf-8")) == config_schema()
    assert runner.invoke(app, ["config", "schema", "--output", str(tmp_path / "none" / "x")]).exit_code == 1


def test_init_never_touches_a_file_that_exists(tmp_path: Path) -> None:
    source, target = tmp_path / ".mcp.json", tmp_path / "ringfence.yaml"
    source.write_text('{"mcpServers": {"a": {"command": "a"}}}')
    target.write_text("mine\n")
    result = runner.invoke(app, ["init", str(source), "--output", str(target)])
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert target.read_text() == "mine\n"


@pytest.mark.parametrize("command", ["init", "assess"])
def test_where_no_server_answers_nothing_is_written(tmp_path: Path, command: str) -> None:
    source, target = tmp_path / ".mcp.json", tmp_path / "ringfence.yaml"
    source.write_text('{"mcpServers": {"old": {"type": "sse", "url": "https://x.example/sse"}}}')
    arguments = [command, str(source), *(["--output", str(target)] if command == "init" else [])]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 3
    assert "old: it speaks the old HTTP+SSE transport" in result.stderr
    assert not target.exists()


@pytest.mark.parametrize("command", ["init", "assess"])
def test_a_file_that_is_not_json_is_refused(tmp_path: Path, command: str) -> None:
    source = tmp_path / ".mcp.json"
    source.write_text("// servers\n{}")
    result = runner.invoke(app, [command, str(source)])
    assert result.exit_code == 1
    assert "Plain JSON is expected" in result.stderr
