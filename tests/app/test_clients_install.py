"""`ringfence claude-code install` and `uninstall`: what is written, what is kept, what is refused, and the way back."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.app.clients_kit import Said, ringfence, tree

from ringfence.app.clients.claude_settings import GATING_S, SETTLED, TELLING_S, settings
from ringfence.app.clients.merging import merge, version_of
from ringfence.app.clients.plan import Plan

PLAN = Plan(read_denies=("**/.env",))


def install(folder: Path, *options: str) -> Said:
    return ringfence("claude-code", "install", "--managed-dir", str(folder / "managed"), *options, home=folder)


def uninstall(folder: Path, *options: str) -> Said:
    return ringfence("claude-code", "uninstall", "--managed-dir", str(folder / "managed"), *options, home=folder)


def written(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "managed/managed-settings.json").read_text("utf-8"))


def put(folder: Path, name: str, value: Any) -> bytes:
    """Somebody's own file, in a form that no program would write again."""
    file = folder / "managed" / name
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_bytes(json.dumps(value, indent=7).encode() + b"\n\n")
    file.chmod(0o640)
    return file.read_bytes()


@pytest.mark.requirement("I3")
def test_every_gating_hook_blocks_when_it_fails_and_has_a_time_out(tmp_path: Path) -> None:
    assert install(tmp_path).code == 0
    hooks = written(tmp_path)["hooks"]
    assert set(hooks) == {*GATING_S, *TELLING_S, "SessionStart"}
    for name, groups in hooks.items():
        [group] = groups
        [handler] = group["hooks"]
        assert group["matcher"] == "*"
        assert handler["timeout"] > 0
        if name in GATING_S:
            assert handler["onFailure"] == "block"
            assert handler["url"] == "http://127.0.0.1:7410/hook"
            assert handler["headers"] == {"Authorization": "Bearer $RINGFENCE_RUN"}
            assert handler["allowedEnvVars"] == ["RINGFENCE_RUN"]
    assert hooks["SessionStart"][0]["hooks"][0]["type"] == "command"


@pytest.mark.requirement("I3")
def test_what_could_reroute_or_disarm_is_locked_and_pinned(tmp_path: Path) -> None:
    install(tmp_path)
    value = written(tmp_path)
    locks = ("allowManagedHooksOnly", "allowManagedPermissionRulesOnly", "allowManagedMcpServersOnly", "disableSideloadFlags")
    assert all(value[each] is True for each in locks)
    assert value["permissions"]["disableBypassPermissionsMode"] == "disable"
    assert {"Read(//**/.ssh/**)", "Read(//**/.env)"} <= set(value["permissions"]["deny"])
    assert value["env"]["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:7410/anthropic"
    for name in (
        "HTTP_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "NODE_EXTRA_CA_CERTS",
        "ANTHROPIC_API_KEY",
        "CLAUDE_CODE_USE_BEDROCK",
    ):
        assert value["env"][name] == "", name
    assert value["env"]["NODE_TLS_REJECT_UNAUTHORIZED"] == "1"
    # What a command was decided to be is what runs: no project names another shell, or what shells and loaders read.
    assert {value["env"][name] for name in ("BASH_ENV", "CLAUDE_CODE_SHELL_PREFIX", "LD_PRELOAD", "PYTHONPATH")} == {""}
    assert value["env"]["SHELL"] == "/bin/bash"
    servers = json.loads((tmp_path / "managed/managed-mcp.json").read_text("utf-8"))["mcpServers"]
    assert [*servers] == ["ringfence"]
    assert servers["ringfence"]["url"] == "http://127.0.0.1:7410/mcp"


def test_installing_twice_changes_nothing_more(tmp_path: Path) -> None:
    put(tmp_path, "managed-settings.json", {"model": "opus", "permissions": {"deny": ["WebSearch"]}})
    install(tmp_path)
    first = tree(tmp_path)
    again = install(tmp_path)
    assert again.code == 0
    assert "everything was as it should be" in again.out
    assert tree(tmp_path) == first


def test_what_somebody_else_set_is_kept(tmp_path: Path) -> None:
    theirs = {
        "model": "opus",
        "requiredMinimumVersion": "3.0.0",
        "permissions": {"deny": ["WebSearch"], "ask": ["Bash(git push *)"]},
        "env": {"HTTPS_PROXY": "http://proxy.corp.example:3128", "TZ": "UTC"},
        "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "/opt/audit"}]}]},
        "allowManagedHooksOnly": False,
    }
    put(tmp_path, "managed-settings.json", theirs)
    assert install(tmp_path).code == 0
    value = written(tmp_path)
    assert value["model"] == "opus"
    assert value["requiredMinimumVersion"] == "3.0.0"
    assert value["permissions"]["deny"][0] == "WebSearch"
    assert value["permissions"]["ask"] == ["Bash(git push *)"]
    assert value["env"]["HTTPS_PROXY"] == "http://proxy.corp.example:3128"
    assert [group["hooks"][0]["type"] for group in value["hooks"]["PreToolUse"]] == ["command", "http"]
    assert value["allowManagedHooksOnly"] is True


@pytest.mark.parametrize(
    "theirs, key",
    [
        ({"env": {"ANTHROPIC_BASE_URL": "https://models.corp.example"}}, "env.ANTHROPIC_BASE_URL"),
        ({"disableAllHooks": True}, "disableAllHooks"),
        ({"apiKeyHelper": "/opt/key"}, "apiKeyHelper"),
        ({"hooks": "none"}, "hooks"),
    ],
)
def test_what_cannot_be_kept_is_named_and_nothing_is_written(tmp_path: Path, theirs: dict[str, Any], key: str) -> None:
    put(tmp_path, "managed-settings.json", theirs)
    before = tree(tmp_path)
    said = install(tmp_path)
    assert said.code == 1
    assert f"--replace {key}" in said.err
    assert tree(tmp_path) == before
    assert install(tmp_path, "--replace", key).code == 0
    assert "disableAllHooks" not in written(tmp_path)
    assert uninstall(tmp_path).code == 0
    assert tree(tmp_path) == before


def test_a_later_file_that_undoes_a_lock_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "managed-settings.d/50-team.json", {"allowManagedHooksOnly": False})
    said = install(tmp_path)
    assert said.code == 1
    assert "50-team.json" in said.err


def test_other_mcp_servers_are_not_dropped_in_silence(tmp_path: Path) -> None:
    put(tmp_path, "managed-mcp.json", {"mcpServers": {"jira": {"type": "http", "url": "https://jira.example/mcp"}}})
    assert "--replace mcpServers" in install(tmp_path).err
    assert install(tmp_path, "--replace", "mcpServers").code == 0
    assert [*json.loads((tmp_path / "managed/managed-mcp.json").read_text("utf-8"))["mcpServers"]] == ["ringfence"]


@pytest.mark.parametrize("broken", ["{", "[]", '{"a": 1} x'])
def test_a_broken_file_is_refused_and_stays(tmp_path: Path, broken: str) -> None:
    (tmp_path / "managed").mkdir()
    (tmp_path / "managed/managed-settings.json").write_text(broken)
    assert install(tmp_path).code == 1
    assert [*tree(tmp_path)] == ["managed/managed-settings.json"]


def test_uninstalling_puts_back_every_byte_and_mode(tmp_path: Path) -> None:
    put(tmp_path, "managed-settings.json", {"model": "opus"})
    before = tree(tmp_path)
    install(tmp_path)
    install(tmp_path, "--url", "http://127.0.0.1:7999")
    assert written(tmp_path)["allowedHttpHookUrls"] == ["http://127.0.0.1:7999/hook"]
    assert uninstall(tmp_path).code == 0
    assert tree(tmp_path) == before


def test_uninstalling_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    install(tmp_path)
    assert uninstall(tmp_path).code == 0
    assert not (tmp_path / "managed").exists()
    assert uninstall(tmp_path).code == 1


@pytest.mark.parametrize("command", [install, uninstall])
def test_a_file_that_somebody_changed_since_is_not_touched(tmp_path: Path, command: Any) -> None:
    install(tmp_path)
    settings_file = tmp_path / "managed/managed-settings.json"
    settings_file.write_text(settings_file.read_text().replace("900", "901"))
    before = tree(tmp_path)
    said = command(tmp_path)
    assert said.code == 1
    assert "changed since" in said.err
    assert tree(tmp_path) == before


def test_a_dry_run_shows_the_difference_and_writes_nothing(tmp_path: Path) -> None:
    put(tmp_path, "managed-settings.json", {"model": "opus"})
    before = tree(tmp_path)
    said = install(tmp_path, "--dry-run")
    assert said.code == 0
    assert '+  "allowManagedHooksOnly": true,' in said.out
    assert tree(tmp_path) == before
    shown = install(tmp_path, "--dry-run", "--json").json
    assert shown["written"] is False
    assert {Path(each["path"]).name for each in shown["changes"]} == {
        "managed-settings.json",
        "managed-mcp.json",
        "ringfence-hook.py",
    }


@pytest.mark.requirement("I3")
def test_a_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "managed").mkdir()
    (tmp_path / "managed").chmod(0o777)
    said = install(tmp_path)
    assert said.code == 1
    assert "disarms" in said.err


def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "managed").mkdir()
    (tmp_path / "elsewhere.json").write_text("{}")
    (tmp_path / "managed/managed-settings.json").symlink_to(tmp_path / "elsewhere.json")
    assert install(tmp_path).code == 1
    assert (tmp_path / "elsewhere.json").read_text() == "{}"


@pytest.mark.parametrize(
    "url", ["http://gateway.example:7410", "http://127.0.0.1:7410/hook", "ftp://127.0.0.1", "http://u@localhost"]
)
def test_an_address_that_is_none_or_not_safe_is_refused(tmp_path: Path, url: str) -> None:
    assert install(tmp_path, "--url", url).code == 1


def test_programs_are_found_where_the_operator_says_and_in_whole_folders_alone(tmp_path: Path) -> None:
    assert install(tmp_path, "--path", "/opt/bin:tools::/usr/bin:/opt/bin").code == 0
    assert written(tmp_path)["env"]["PATH"] == "/opt/bin:/usr/bin"
    assert install(tmp_path, "--path", "tools:.").code == 1


_scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=6)
_names = st.sampled_from([*settings(PLAN)["env"], *settings(PLAN), "x", "deny"])
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4), max_leaves=12
)


@given(theirs=st.dictionaries(_names, _values, max_size=6))
def test_merging_keeps_all_of_theirs_or_names_it_and_is_the_same_the_second_time(theirs: dict[str, Any]) -> None:
    ours = settings(PLAN)
    merged = merge(theirs, ours, settled=SETTLED)
    assert merge(merged.value, ours, settled=SETTLED).value == merged.value
    for name, value in theirs.items():
        if name not in ours:
            assert merged.value[name] == value
    if not merged.conflicts:
        assert merged.value["allowManagedHooksOnly"] is True
        assert settings(PLAN)["hooks"]["PreToolUse"][0] in merged.value["hooks"]["PreToolUse"]
        assert merged.value["env"]["ANTHROPIC_BASE_URL"] == ours["env"]["ANTHROPIC_BASE_URL"]


@pytest.mark.parametrize("text", ["", "2.x", "2.1.3-beta", None, 3, "1.2.3.4.5", "²"])
def test_what_is_no_version_is_none(text: Any) -> None:
    assert version_of(text) is None
