"""What the documents of coding agents print is what this version reads and says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.cli_kit import Said, ringfence

from ringfence.app.config.load import load_config

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"```(yaml|toml)\n(.*?)```", re.DOTALL)
_RULE = re.compile(r"^\| (`.*?`) \| ", re.MULTILINE)
_FULL = """\
version: 1
agents:
  coder:
    purpose: Writes code.
"""


def blocks(name: str, kind: str) -> list[str]:
    return [text for each, text in _BLOCK.findall((DOCS / name).read_text("utf-8")) if each == kind]


def printed() -> Iterator[tuple[str, str]]:
    """Every configuration, and by which document."""
    for name in ("coding-agents.md", "commands.md", "hooks.md", "permissions.md", "sdk.md"):
        for text in blocks(name, "yaml"):
            yield name, text


def whole(text: str, folder: Path) -> str:
    """A part of a configuration as a configuration of its own, with the folders of the documents below `folder`."""
    text = text.replace("/srv/", f"{folder}/")
    if text.startswith("local:"):
        indented = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
        text = _FULL + indented
    return text if text.startswith("version:") else f"version: 1\n{text}"


def prepared(folder: Path) -> None:
    """The files that they name."""
    for name in ("larder/.claude", "project/.claude"):
        (folder / name).mkdir(parents=True)
        (folder / name / "settings.json").write_text('{"permissions": {"allow": ["Bash(npm test)"]}}')
    [profiles] = blocks("commands.md", "toml")
    (folder / "commands.toml").write_text(profiles)
    for name in ("commands.toml", "larder/.claude/settings.json", "project/.claude/settings.json"):
        (folder / name).chmod(0o600)


@pytest.mark.parametrize(
    "name, text", [pytest.param(name, text, id=f"{name} {number}") for number, (name, text) in enumerate(printed())]
)
def test_every_configuration_that_is_printed_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-a-reader-0001")
    prepared(tmp_path)
    file = tmp_path / "ringfence.yaml"
    file.write_text(whole(text, tmp_path))
    file.chmod(0o600)
    loaded = load_config(file)
    assert [*loaded.rules.agents] in (["coder"], [])


def rules() -> list[str]:
    """Every rule in the table of rules, which can stand for itself."""
    table = (DOCS / "permissions.md").read_text("utf-8").partition("## Rules\n")[2].partition("\n\n**On")[0]
    found = [rule for row in _RULE.findall(table) for rule in re.findall(r"`([^`]*)`", row)]
    return [rule.replace("PATH", "src/**").replace("HOST", "docs.example") for rule in found if rule != "Tool"]


def test_every_rule_that_is_printed_can_be_read_without_a_warning(tmp_path: Path) -> None:
    assert len(rules()) > 20
    file = tmp_path / "ringfence.yaml"
    local = f"    local: {{roots: [{tmp_path}]}}\n"
    file.write_text(_FULL + local + f"    permissions: {{deny: {json.dumps(rules())}}}\n")
    file.chmod(0o600)
    assert load_config(file).warnings == ()


def explained(folder: Path, *arguments: str) -> Said:
    return ringfence("permissions", *arguments, "--cwd", str(folder), home=folder)


SPELLINGS = {
    "Bash(git push --force*)": ("git -C x push origin main --force", "git push -f", "git push origin +main"),
    "Bash(rm -rf *)": ("rm -fr x", "rm -r -f x", "/bin/rm -rf x", "env rm -rf x"),
    "Bash(kubectl delete *)": ("kubectl -n prod delete pod x",),
    "Edit(/protected/**)": (
        "cd protected && sh -c 'echo x > f'",
        "sort -o protected/f in",
        "tar cf protected/f in",
        "> protected/f",
    ),
    "Bash(*DROP TABLE*)": ("psql -c 'drop   table x'", "sqlite3 a.db 'DROP TABLE x'"),
    "WebFetch(domain:docs.example)": ("curl https://docs.example/x",),
}
"""Rules of docs/permissions.md, with what it says that they are about as well."""


@pytest.mark.parametrize("rule", SPELLINGS)
def test_a_rule_is_about_every_spelling_that_is_promised(tmp_path: Path, rule: str) -> None:
    file, commands = tmp_path / "ringfence.yaml", tmp_path / "commands"
    lists = json.dumps({"deny": [rule], "allow": ["Bash"]})
    file.write_text(_FULL + f"    local: {{roots: [{tmp_path}]}}\n    permissions: {lists}\n")
    file.chmod(0o600)
    commands.write_text("\n".join(SPELLINGS[rule]) + "\n")
    said = explained(tmp_path, "check", str(commands), "--config", str(file), "--json")
    decided = {one["command"]: one["decision"] for one in json.loads(said.out)["commands"]}
    assert decided == dict.fromkeys(SPELLINGS[rule], "deny")


@pytest.fixture
def own_commands(tmp_path: Path) -> Path:
    prepared(tmp_path)
    [named] = blocks("commands.md", "yaml")
    file = tmp_path / "ringfence.yaml"
    file.write_text(whole(named, tmp_path) + _FULL.removeprefix("version: 1\n") + f"    local: {{roots: [{tmp_path}]}}\n")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    "command, says",
    [
        ("shelve goods.csv", "puts goods on shelves"),
        ("stock push", "sends the stock to the shop"),
        ("stock count", "asks the shop"),
    ],
)
def test_the_printed_profiles_say_what_their_comments_say(own_commands: Path, command: str, says: str) -> None:
    said = explained(own_commands.parent, "explain", command, "--config", str(own_commands))
    assert says in said.out, said
