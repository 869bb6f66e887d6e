"""What the file says about the scan of what a server says."""

from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.core.model.identifiers import ServerId
from ringfence.core.rules import InstructionAction, ScanRule, SecretAction
from ringfence.errors import ConfigError


def scan(text: str) -> ScanRule:
    file = f"version: 1\nservers: {{orders: {{command: [x]{text}}}}}\n"
    return parse_config(file.encode(), Path("r.yaml")).rules.servers[ServerId("orders")].scan


@pytest.mark.requirement("I16")
def test_instructions_are_flagged_and_secrets_masked_by_default() -> None:
    assert scan("") == scan(", scan: {}") == ScanRule(instructions=InstructionAction.FLAG, secrets=SecretAction.MASK)


@pytest.mark.parametrize("word", list(InstructionAction))
def test_each_word_for_instructions_is_read(word: InstructionAction) -> None:
    assert scan(f", scan: {{instructions: {word.value}}}") == ScanRule(instructions=word)


@pytest.mark.parametrize("word", list(SecretAction))
def test_each_word_for_secrets_is_read(word: SecretAction) -> None:
    assert scan(f", scan: {{secrets: {word.value}}}") == ScanRule(secrets=word)


@pytest.mark.parametrize("text", ["{instructions: hide}", "{secrets: false}", "{instruction: off}", "off"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        scan(f", scan: {text}")
