"""The folder of policies beside the configuration: found, read whole, or refused with every problem."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.app.config.load import load_config
from ringfence.errors import ConfigError

CONFIG = """\
version: 1
servers: {payments: {command: [payments]}}
tools: {payments.refund: {}}
groups: {finance: [ada, bob]}
timezone: Europe/Berlin
agents: {support: {purpose: help, tools: ["payments.*"], approvers: [ada]}}
"""
POLICY = '@id("big") @approve("finance") forbid (principal, action == Action::"payments.refund", resource);\n'
NOON = 1_750_000_000_000 // 86_400_000 * 86_400_000 + 43_200_000


def write(folder: Path, config: str = CONFIG, **policies: str) -> Path:
    path = folder / "ringfence.yaml"
    path.write_text(config, "utf-8")
    if policies:
        (folder / "policies").mkdir(exist_ok=True)
    for name, text in policies.items():
        (folder / "policies" / f"{name}.cedar").write_text(text, "utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_without_the_folder_there_are_no_policies(tmp_path: Path) -> None:
    loaded = load_config(write(tmp_path))
    assert loaded.rules.policies is None
    assert loaded.rules.groups == {"finance": {"ada", "bob"}}


def test_the_folder_beside_the_file_is_read(tmp_path: Path) -> None:
    loaded = load_config(write(tmp_path, b=POLICY.replace("big", "second"), a=POLICY))
    assert loaded.rules.policies is not None
    assert [policy.place for policy in loaded.rules.policies.policies] == ["a.cedar:1", "b.cedar:1"]


def test_another_folder_may_be_named_and_has_to_be_there(tmp_path: Path) -> None:
    path = write(tmp_path, CONFIG + "policies: rules/cedar\n")
    assert "not a folder of policies" in refusal(path)
    (tmp_path / "rules" / "cedar").mkdir(parents=True)
    loaded = load_config(path)
    assert loaded.rules.policies is None
    assert "there are no policies" in loaded.warnings[-1]
    (tmp_path / "rules" / "cedar" / "x.cedar").write_text(POLICY)
    assert load_config(path).rules.policies is not None


def test_the_digest_is_that_of_every_file(tmp_path: Path) -> None:
    digests: set[str] = set()
    for policies in ({"a": POLICY}, {"b": POLICY}, {"a": POLICY + "// and\n"}, {"a": POLICY}):
        for old in (tmp_path / "policies").glob("*") if (tmp_path / "policies").exists() else ():
            old.unlink()
        found = load_config(write(tmp_path, **policies)).rules.policies
        assert found is not None
        digests.add(found.digest)
    assert len(digests) == 3


@pytest.mark.requirement("I16")
def test_every_problem_of_every_file_is_reported_with_its_line(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, a=POLICY, b="\n" + POLICY + "permit (principal, action, resource);"))
    assert f"{tmp_path}/policies/b.cedar:2:1: the @id `big` is taken by a.cedar:1" in said
    assert f"{tmp_path}/policies/b.cedar:3:1: `permit` has no place here" in said
    assert f"{tmp_path}/policies/b.cedar:3:1: every policy needs an `@id" in said


@pytest.mark.requirement("I16")
def test_a_policy_that_would_be_overlooked_refuses_the_whole(tmp_path: Path) -> None:
    path = write(tmp_path, a=POLICY)
    (tmp_path / "policies" / "more").mkdir()
    (tmp_path / "policies" / "more" / "b.cedar").write_text(POLICY)
    assert "not from folders below it" in refusal(path)


@pytest.mark.requirement("I16")
def test_what_is_not_a_readable_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, a=POLICY)
    odd = tmp_path / "policies" / "odd.cedar"
    odd.write_bytes(b"\xff")
    assert "not UTF-8" in refusal(path)
    odd.unlink()
    os.mkfifo(odd)
    assert "not a regular file" in refusal(path)
    odd.unlink()
    odd.symlink_to(tmp_path / "nowhere")
    assert "cannot be read" in refusal(path)


def test_a_file_that_everybody_can_write_is_warned_of(tmp_path: Path) -> None:
    path = write(tmp_path, a=POLICY)
    (tmp_path / "policies" / "a.cedar").chmod(0o666)
    assert any("every local user can change this file" in warning for warning in load_config(path).warnings)


def test_a_group_that_cannot_approve_for_an_agent_is_warned_of(tmp_path: Path) -> None:
    loaded = load_config(write(tmp_path, a=POLICY.replace("finance", "finance, 2")))
    assert any("fewer are among the approvers of support" in warning for warning in loaded.warnings)


def test_policies_read_the_clock_of_the_configured_time_zone(tmp_path: Path) -> None:
    policies = load_config(write(tmp_path, a=POLICY)).rules.policies
    assert policies is not None
    local = policies.local_time(NOON)
    assert (local.hour, local.minute) == (14, 0)
    other = load_config(write(tmp_path, CONFIG.replace("Europe/Berlin", "UTC"))).rules.policies
    assert other is not None
    assert other.local_time(NOON).hour == 12
    assert other.local_time(0).weekday == 4


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, CONFIG.replace("Europe/Berlin", "Europe/Berlni")))
    assert "5:11: timezone: no time zone `Europe/Berlni` is known here" in said
