"""`ringfence claude-code install` and `uninstall`: what is written, what is kept, what is refused, and the way back."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.app.clients_kit import Said, ringfence, tree

from ringfence.app.clients import files
from ringfence.app.clients.claude_files import wanted
from ringfence.app.clients.claude_settings import GATING_S, SETTLED, TELLING_S, settings
from ringfence.app.clients.claude_state import installed
from ringfence.app.clients.findings import Standing
from ringfence.app.clients.installing import Installation
from ringfence.app.clients.merging import merge, version_of
from ringfence.app.clients.plan import Plan
from ringfence.app.clients.receipt import Before, Kept, Receipt, digest
from ringfence.errors import ConfigError, UnavailableError

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


@pytest.mark.parametrize(
    "broken", ["{", "[]", '{"a": 1} x', "[" * 100_000], ids=["cut off", "a list", "more after it", "too deep"]
)
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
    "url",
    [
        "http://gateway.example:7410",
        "http://127.0.0.1:7410/hook",
        "ftp://127.0.0.1",
        "http://u@localhost",
        "http://127.0.0.1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:x",
        "http://[::1]:7410",
        "http://[",
    ],
)
def test_an_address_that_is_none_or_not_safe_is_refused(tmp_path: Path, url: str) -> None:
    assert install(tmp_path, "--url", url).code == 1


def test_programs_are_found_where_the_operator_says_and_in_whole_folders_alone(tmp_path: Path) -> None:
    assert install(tmp_path, "--path", "/opt/bin:tools::/usr/bin:/opt/bin").code == 0
    assert written(tmp_path)["env"]["PATH"] == "/opt/bin:/usr/bin"
    assert install(tmp_path, "--path", "tools:.").code == 1


def beside(folder: Path) -> list[str]:
    """Names of files that were kept because somebody had changed them."""
    return [each.name for each in sorted((folder / "managed").glob("*.changed-*"))]


@pytest.mark.parametrize("command", [install, uninstall])
def test_over_changes_goes_on_and_keeps_what_somebody_made_of_a_file(tmp_path: Path, command: Any) -> None:
    original = put(tmp_path, "managed-settings.json", {"model": "opus"})
    install(tmp_path)
    settings_file = tmp_path / "managed/managed-settings.json"
    settings_file.write_text(theirs := settings_file.read_text().replace("900", "901"))
    assert "--over-changes" in command(tmp_path).err
    assert not beside(tmp_path)
    said = command(tmp_path, "--over-changes", "--json")
    assert said.code == 0
    [kept] = beside(tmp_path)
    assert said.json["kept"] == [str(tmp_path / "managed" / kept)]
    assert (tmp_path / "managed" / kept).read_text() == theirs
    if command is install:
        assert written(tmp_path)["hooks"]["PreToolUse"][0]["hooks"][0]["timeout"] == 900
        assert uninstall(tmp_path).code == 0
    assert settings_file.read_bytes() == original
    assert settings_file.stat().st_mode & 0o777 == 0o640
    assert beside(tmp_path) == [kept]


def test_files_whose_receipt_is_lost_are_not_taken_for_what_stood_there_before(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "managed/.ringfence/receipt.json").unlink()
    before = tree(tmp_path)
    for command in (install, uninstall):
        said = command(tmp_path)
        assert said.code == 1
        assert "managed-mcp.json, managed-settings.json, ringfence-hook.py" in said.err
    assert tree(tmp_path) == before


@pytest.mark.parametrize("files_written", [0, 1, 2])
def test_an_upgrade_that_was_cut_off_can_be_done_again_and_taken_back(
    tmp_path: Path, files_written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power fails after the receipt and so many files."""
    put(tmp_path, "managed-settings.json", {"model": "opus"})
    before = tree(tmp_path)
    install(tmp_path)
    as_installed = tree(tmp_path)
    real, left = files.write, [1 + files_written]

    def failing(path: Path, *arguments: Any, **more: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise UnavailableError("the power failed")
        real(path, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(files, "write", failing)
        assert install(tmp_path, "--url", "http://127.0.0.1:7999").code == 3
    assert tree(tmp_path) != as_installed
    saved = tmp_path.with_name(tmp_path.name + "-cut-off")
    shutil.copytree(tmp_path, saved, symlinks=True)
    assert uninstall(saved).code == 0
    assert tree(saved) == before
    assert install(tmp_path, "--url", "http://127.0.0.1:8000").code == 0
    assert written(tmp_path)["allowedHttpHookUrls"] == ["http://127.0.0.1:8000/hook"]
    assert uninstall(tmp_path).code == 0
    assert tree(tmp_path) == before


def test_a_second_installation_at_the_same_time_is_refused(tmp_path: Path) -> None:
    install(tmp_path)
    before = tree(tmp_path)
    with files.alone(tmp_path / "managed/.ringfence/lock"):
        for command in (install, uninstall):
            assert "right now" in command(tmp_path).err
    assert tree(tmp_path) == before
    assert (tmp_path / "managed/.ringfence/lock").stat().st_mode & 0o777 == 0o600


def test_what_somebody_wrote_between_reading_and_writing_is_not_taken_over(tmp_path: Path) -> None:
    put(tmp_path, "managed-settings.json", {"model": "opus"})
    installation = Installation(tmp_path / "managed")
    files_wanted = wanted(installation, PLAN, frozenset())
    theirs = put(tmp_path, "managed-settings.json", {"model": "another"})
    with pytest.raises(ConfigError, match="meanwhile"):
        installation.put(files_wanted)
    assert (tmp_path / "managed/managed-settings.json").read_bytes() == theirs


@pytest.mark.requirement("I3")
def test_every_user_can_read_what_was_installed_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert install(tmp_path).code == 0
    finally:
        os.umask(before)
    assert (tmp_path / "managed").stat().st_mode & 0o777 == 0o755
    for name in ("managed-settings.json", "managed-mcp.json", "ringfence-hook.py"):
        assert (tmp_path / "managed" / name).stat().st_mode & 0o777 == 0o644


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("command", [install, uninstall])
def test_a_folder_that_a_link_leads_to_is_looked_at_too(tmp_path: Path, command: Any) -> None:
    """Somebody prepares the way back, so that root puts a program with root's rights there."""
    open_to_all = tmp_path / "open"
    (open_to_all / "managed/.ringfence").mkdir(parents=True)
    data = b"#!/bin/sh\n"
    (open_to_all / "managed/.ringfence/before-evil").write_bytes(data)
    planted = Receipt((Kept("evil", "0" * 64, Before(digest(data), 0o4755, 0, 0), None),), False)
    (open_to_all / "managed/.ringfence/receipt.json").write_bytes(planted.text())
    open_to_all.chmod(0o777)
    shown = tmp_path / "shown"
    shown.symlink_to(open_to_all)
    said = command(shown)
    assert said.code == 1
    assert "can be written by" in said.err
    assert not (open_to_all / "managed/evil").exists()


def test_the_way_back_gives_no_program_the_rights_of_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "managed/managed-settings.json"
    put(tmp_path, "managed-settings.json", {"model": "opus"})
    file.chmod(0o4755)
    install(tmp_path)
    assert uninstall(tmp_path).code == 0
    assert file.stat().st_mode & 0o7777 == 0o755


def test_a_gateway_elsewhere_is_asked_by_hooks_over_tls_alone(tmp_path: Path) -> None:
    assert install(tmp_path, "--url", "https://gateway.example").code == 0
    hooks = written(tmp_path)["hooks"]
    assert "SessionStart" not in hooks
    assert hooks["PreToolUse"][0]["hooks"][0]["url"] == "https://gateway.example/hook"
    found = {each.name: each.standing for each in installed(tmp_path / "managed")}
    assert found["installed"] is Standing.HOLDS


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
