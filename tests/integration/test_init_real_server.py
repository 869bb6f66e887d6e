"""`assess` and `init` against a real MCP server from the package index."""

import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ringfence.app.cli.config_commands import register
from ringfence.app.config.load import load_config
from ringfence.core.model.identifiers import ServerId, ToolId
from ringfence.core.model.profile import Effect

app = typer.Typer()
register(app)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / ".mcp.json"
    servers = {
        "Clock": {"command": sys.executable, "args": ["-m", "mcp_server_time"], "env": {"API_KEY": "hunter2"}},
        "gone": {"command": str(tmp_path / "nothing-here")},
    }
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


def test_assess_says_what_it_found_and_writes_nothing(source: Path) -> None:
    result = CliRunner().invoke(app, ["assess", str(source), "--json"])
    assert result.exit_code == 0, result.stderr
    servers = {server["id"]: server for server in json.loads(result.stdout)["servers"]}
    assert {tool["id"]: tool["effect"] for tool in servers["clock"]["tools"]} == {
        "clock.convert_time": "read",
        "clock.get_current_time": "read",
    }
    assert servers["gone"]["unreachable"]
    assert [path.name for path in source.parent.iterdir()] == [".mcp.json"]


@pytest.mark.requirement("I9")
def test_init_writes_a_file_that_loads_and_holds_no_credential(source: Path) -> None:
    target = source.parent / "ringfence.yaml"
    result = CliRunner().invoke(app, ["init", str(source), "--output", str(target)])
    assert result.exit_code == 0, result.stderr
    assert "hunter2" not in target.read_text("utf-8") + result.stdout + result.stderr
    loaded = load_config(target)
    assert set(loaded.servers) == {ServerId("clock"), ServerId("gone")}
    assert loaded.rules.tools[ToolId("clock.get_current_time")].profile.effect is Effect.READ
    assert loaded.warnings == ()
