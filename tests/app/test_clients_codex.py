"""`ringfence codex`: requirements as its documentation has them, and saying aloud that it fails open."""

import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.app.clients_kit import Said, ringfence, tree


def codex(folder: Path, *arguments: str) -> Said:
    return ringfence("codex", *arguments, "--codex-dir", str(folder / "codex"), home=folder)


def written(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "codex/requirements.toml").read_text("utf-8"))


def put(folder: Path, text: str) -> None:
    (folder / "codex").mkdir()
    (folder / "codex/requirements.toml").write_text(text, "utf-8")


def test_hooks_are_the_managed_ones_alone_and_refuse_before_the_client_gives_them_up(tmp_path: Path) -> None:
    assert codex(tmp_path, "install").code == 0
    value = written(tmp_path)
    assert value["allow_managed_hooks_only"] is True
    assert value["features"] == {"hooks": True}
    assert value["mcp_servers"] == {"ringfence": {"identity": {"url": "http://127.0.0.1:7410/mcp"}}}
    for name in ("PreToolUse", "PermissionRequest", "PostToolUse", "UserPromptSubmit", "SessionStart", "Stop"):
        [group] = value["hooks"][name]
        [handler] = group["hooks"]
        words = handler["command"].split(" ")
        assert words[1:4] == ["-I", "-S", str(tmp_path / "codex/ringfence-hook.py")]
        assert words[words.index("--path") + 1] == "/hook/codex"
        assert int(words[words.index("--timeout") + 1]) < handler["timeout"]


def test_comments_and_requirements_of_others_stay_and_come_back(tmp_path: Path) -> None:
    put(tmp_path, '# ours\nallowed_sandbox_modes = ["read-only"]\n\n[features]\nhooks = true\n')
    before = tree(tmp_path)
    assert codex(tmp_path, "install").code == 0
    assert "# ours" in (tmp_path / "codex/requirements.toml").read_text("utf-8")
    assert written(tmp_path)["allowed_sandbox_modes"] == ["read-only"]
    assert codex(tmp_path, "uninstall").code == 0
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "text",
    [
        "allow_managed_hooks_only = false\n",
        "[features]\nhooks = false\n",
        '[hooks]\nmanaged_dir = "/opt"\n',
        "=",
        "[a]\nb = 1\n[a]",
    ],
)
def test_requirements_that_cannot_stand_beside_ours_are_refused(tmp_path: Path, text: str) -> None:
    put(tmp_path, text)
    before = tree(tmp_path)
    assert codex(tmp_path, "install").code == 1
    assert tree(tmp_path) == before


def test_verify_says_that_it_fails_open_and_was_not_run(tmp_path: Path) -> None:
    codex(tmp_path, "install")
    said = codex(tmp_path, "verify", "--json")
    assert said.code == 1
    standings = {each["name"]: each["standing"] for each in said.json["findings"]}
    assert standings["installed"] == "holds"
    assert standings["fails-open"] == "open"
    assert standings["not-run"] == "unproven"


def test_verify_finds_a_hook_that_was_exchanged(tmp_path: Path) -> None:
    codex(tmp_path, "install")
    (tmp_path / "codex/ringfence-hook.py").write_text("print('{}')\n", "utf-8")
    said = codex(tmp_path, "verify", "--json")
    [installed] = [each for each in said.json["findings"] if each["name"] == "installed"]
    assert (installed["standing"], installed["happened"]) == ("broken", "missing or different: ringfence-hook.py")


def test_verify_finds_what_was_taken_out(tmp_path: Path) -> None:
    codex(tmp_path, "install")
    file = tmp_path / "codex/requirements.toml"
    file.write_text(file.read_text("utf-8").replace("allow_managed_hooks_only = true", ""), "utf-8")
    said = codex(tmp_path, "verify", "--json")
    [installed] = [each for each in said.json["findings"] if each["name"] == "installed"]
    assert (installed["standing"], installed["happened"]) == ("broken", "missing or different: allow_managed_hooks_only")


def test_a_folder_with_a_space_in_its_name_is_one_word_of_the_command(tmp_path: Path) -> None:
    """A command that does not start is one that this client goes on without."""
    said = ringfence("codex", "install", "--codex-dir", str(tmp_path / "a folder"), home=tmp_path)
    assert said.code == 0
    value = tomllib.loads((tmp_path / "a folder/requirements.toml").read_text("utf-8"))
    command = value["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    assert shlex.split(command)[3] == str(tmp_path / "a folder/ringfence-hook.py")
    found = ringfence("codex", "verify", "--codex-dir", str(tmp_path / "a folder"), "--json", home=tmp_path).json["findings"]
    assert {each["name"]: each["standing"] for each in found}["installed"] == "holds"


@pytest.mark.parametrize("command", ["install", "verify"])
def test_a_gateway_that_its_hook_could_not_ask_is_refused(tmp_path: Path, command: str) -> None:
    said = codex(tmp_path, command, "--url", "https://gateway.example")
    assert said.code == 1
    assert "this machine alone" in said.err
    assert not (tmp_path / "codex").exists()


def test_over_changes_keeps_what_somebody_made_of_the_file(tmp_path: Path) -> None:
    codex(tmp_path, "install")
    (tmp_path / "codex/requirements.toml").write_text("# mine\n")
    assert codex(tmp_path, "uninstall").code == 1
    assert codex(tmp_path, "uninstall", "--over-changes").code == 0
    [kept] = (tmp_path / "codex").iterdir()
    assert kept.read_text() == "# mine\n"
