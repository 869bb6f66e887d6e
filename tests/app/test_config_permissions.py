"""`permissions:` and `local:` of an agent, and the settings files of a client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ringfence.app.config.load import load_config
from ringfence.app.config.settings import Loaded
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.local_rules import Client, LocalRules, OtherMcp, Outcome, Overreach, SecretRules, Words
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.rules import AgentRule
from ringfence.errors import ConfigError


def load(folder: Path, permissions: Any = None, local: Any = None) -> Loaded:
    agent: dict[str, Any] = {"purpose": "writes code"}
    agent |= {"permissions": permissions} if permissions is not None else {}
    agent |= {"local": local} if local is not None else {}
    path = folder / "ringfence.yaml"
    path.write_text(json.dumps({"version": 1, "agents": {"coder": agent}}))
    path.chmod(0o600)
    return load_config(path)


def coder(loaded: Loaded) -> AgentRule:
    return loaded.rules.agents[AgentId("coder")]


def lists(loaded: Loaded) -> PermissionLists:
    found = coder(loaded).permissions
    assert found is not None
    return found


def complaint(folder: Path, permissions: Any = None, local: Any = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, permissions, {} if local is None else local)
    return str(caught.value)


def settings(folder: Path, permissions: Any, name: str = "project/.claude/settings.json") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"permissions": permissions}, indent=2))
    return name


def test_an_agent_without_them_has_neither(tmp_path: Path) -> None:
    path = tmp_path / "ringfence.yaml"
    path.write_text('{"version": 1, "agents": {"coder": {"purpose": "x", "tools": []}}}')
    rule = load_config(path).rules.agents[AgentId("coder")]
    assert rule.local is None
    assert rule.permissions is None


def test_local_alone_is_an_agent_with_everything_by_default(tmp_path: Path) -> None:
    local = coder(load(tmp_path, local={})).local
    assert local is not None
    rails = {str(tmp_path / "ringfence.yaml"), str(tmp_path / "policies")}
    assert rails <= set(local.guard_rails)
    assert local == LocalRules(guard_rails=local.guard_rails)


def test_every_key_of_local_is_read(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    given = {
        "client": "codex",
        "roots": ["project"],
        "words": "client-attested",
        "secrets": {"deny": ["*.private"], "allow": ["test/*.pem"], "contents": "ask"},
        "overreach": {
            "files": 40, "lines": 5000, "outside": "deny", "protected": ["billing/**"], "unprotected": ["*.tf"], "approvals": 2,
        },
        "mcp": {"gateway": ["rf"], "others": "ask"},
        "guard_rails": ["state"],
    }  # fmt: skip
    rule = coder(load(tmp_path, local=given))
    assert rule.local == LocalRules(
        client=Client.CODEX,
        roots=(str((tmp_path / "project").resolve()),),
        words=Words.CLIENT_ATTESTED,
        secrets=SecretRules(deny=("*.private",), allow=("test/*.pem",), contents=Outcome.ASK),
        overreach=Overreach(outside=Outcome.DENY, protected=("billing/**",), unprotected=("*.tf",), quorum=2),
        mcp=OtherMcp(gateway=frozenset({"rf"}), others=Outcome.ASK),
        guard_rails=rule.local.guard_rails if rule.local is not None else (),
    )
    assert (rule.limits.files, rule.limits.lines) == (40, 5000)
    assert rule.local is not None
    assert str(tmp_path / "state") in rule.local.guard_rails


def test_rules_are_read_from_the_file_with_where_they_stand(tmp_path: Path) -> None:
    found = lists(load(tmp_path, {"deny": ["Bash(rm *)"], "ask": ["Bash(git push *)"], "allow": ["Read(//tmp/**)"]}, {}))
    assert [(rule.text, rule.source) for rule in found.rules] == [
        ("Bash(rm *)", "agents.coder.permissions.deny[0]"),
        ("Bash(git push *)", "agents.coder.permissions.ask[0]"),
        ("Read(//tmp/**)", "agents.coder.permissions.allow[0]"),
    ]


def test_lists_of_settings_files_add_up_and_the_files_become_rails(tmp_path: Path) -> None:
    file = settings(tmp_path, {"deny": ["Bash(rm *)"], "allow": ["Edit(/src/**)"], "additionalDirectories": ["../shared"]})
    loaded = load(tmp_path, {"files": [file], "deny": ["Bash(sudo *)"], "additionalDirectories": ["docs"]}, {})
    found = lists(loaded)
    assert [rule.text for rule in found.deny] == ["Bash(sudo *)", "Bash(rm *)"]
    assert found.deny[1].source == f"{tmp_path / file}: permissions.deny[0]"
    assert found.directories == (str(tmp_path / "docs"), str(tmp_path / "shared"))
    local = coder(loaded).local
    assert local is not None
    assert str(tmp_path / file) in local.guard_rails


def test_a_projects_file_is_anchored_at_the_runs_project_and_any_other_at_its_own_folder(tmp_path: Path) -> None:
    files = [
        settings(tmp_path, {"deny": ["Read(/x)"]}),
        settings(tmp_path, {"deny": ["Read(/y)"]}, "managed/managed-settings.json"),
    ]
    found = lists(load(tmp_path, {"files": files}, {}))
    assert {rule.text: rule.anchor for rule in found.deny} == {
        "Read(/x)": "",
        "Read(/y)": str((tmp_path / "managed").resolve()),
    }


def test_a_rule_that_nobody_can_read_is_a_fault_with_its_column(tmp_path: Path) -> None:
    text = '{"version": 1, "agents": {"coder": {"purpose": "x", "local": {}, "permissions":\n {"deny": ["Read(a/[b)"]}}}}'
    path = tmp_path / "ringfence.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    column = text.split("\n")[1].index("[b)") + 1
    assert f"ringfence.yaml:2:{column}: agents.coder.permissions.deny[0]: expected `]`" in str(caught.value)


def test_a_fault_of_a_settings_file_names_line_and_column_in_it(tmp_path: Path) -> None:
    file = settings(tmp_path, {"allow": ["Bash(ls)"], "deny": ["Bash(ok)", "Bash("]})
    lines = (tmp_path / file).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if '"Bash("' in text)
    column = lines[line - 1].index('"Bash("') + 2 + len("Bash(")
    assert f"{tmp_path / file}:{line}:{column}: permissions.deny[1]: expected `)`" in complaint(tmp_path, {"files": [file]})


BROKEN = {
    "{": "expected JSON",
    "[]": "expected an object",
    '{"permissions": []}': "expected an object",
    '{"permissions": {"deny": "Bash"}}': "permissions.deny: expected a list",
    '{"permissions": {"deny": [1]}}': "permissions.deny[0]: expected a text",
    '{"permissions": {}, "permissions": {}}': "is there twice",
    "\xff": "expected JSON",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_settings_file_that_cannot_be_read_is_a_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_bytes(text.encode("latin-1"))
    assert BROKEN[text] in complaint(tmp_path, {"files": ["s.json"]})


def test_a_settings_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert "cannot be read" in complaint(tmp_path, {"files": ["none.json"]})


def test_what_means_nothing_is_said_aloud(tmp_path: Path) -> None:
    file = settings(tmp_path, {"defaultMode": "bypassPermissions", "odd": 1, "allow": ["mcp__*"]})
    told = "\n".join(load(tmp_path, {"files": [file], "deny": ["Write(/x)"]}, {"roots": ["project"]}).warnings)
    for said in (
        "`permissions.defaultMode` is for the client alone",
        "`permissions.odd`",
        "allows nothing",
        "counts here as `Edit(/x)`",
    ):
        assert said in told
    assert "without `roots`" not in told


def test_roots_that_are_missing_or_not_there_are_said_aloud_and_all_of_the_machine_is_none(tmp_path: Path) -> None:
    assert any("without `roots`" in warning for warning in load(tmp_path, local={}).warnings)
    assert any("there is no folder" in warning for warning in load(tmp_path, local={"roots": ["nowhere"]}).warnings)
    assert "below `/`" in complaint(tmp_path, local={"roots": ["/"]})
    assert "below `/`" in complaint(tmp_path, {"additionalDirectories": ["/"]})


def test_lists_without_local_are_said_to_be_idle_unless_they_are_about_mcp(tmp_path: Path) -> None:
    path = tmp_path / "ringfence.yaml"
    for rule, is_told in (("Bash(rm *)", True), ("mcp__orders__refund", False)):
        agent = {"purpose": "x", "tools": [], "permissions": {"deny": [rule]}}
        path.write_text(json.dumps({"version": 1, "agents": {"coder": agent}}))
        assert any("mean nothing without `local`" in warning for warning in load_config(path).warnings) is is_told


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"client": "emacs"}, "one of `claude-code`, `codex`"),
    ({"words": "all"}, "one of `ignored`"),
    ({"secrets": {"deny": ["a/[b"]}}, "secrets.deny[0]: expected `]`"),
    ({"overreach": {"protected": ["../x"]}}, "overreach.protected[0]: expected a path without `..`"),
    ({"overreach": {"files": 0}}, "an integer from 1"),
    ({"overreach": {"outside": "maybe"}}, "one of `allow`, `ask`, `deny`"),
    ({"mcp": {"gateway": []}}, "1 to 20 items"),
    ({"root": []}, "unknown key `root`"),
]


@pytest.mark.parametrize(("local", "said"), WRONG)
def test_what_local_cannot_be_is_refused(tmp_path: Path, local: dict[str, Any], said: str) -> None:
    assert said in complaint(tmp_path, local=local)
