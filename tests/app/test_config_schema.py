"""The editors' schema and the loader describe the same file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from ringfence.app.config.layout import config_schema

SHIPPED = Path(__file__).parents[2] / "docs" / "ringfence.schema.json"
GOOD = """\
version: 1
servers:
  git: {command: [mcp-server-git, 3], env: {TOKEN: {from: "env:GIT_TOKEN"}, PORT: 80}, share: run, deadline: 300s}
tools:
  git.commit: {effect: write, when: [{if: amount <= 20, costs_money: false}], tighten: {maxProperties: 3}}
derived:
  git.last: {from: git.log, description: The last commit, fixed: {n: 1}, effect: read}
agents:
  dev: {purpose: code, tools: ["git.*"], users: [1000, bob], limits: {wall_clock: 1h}}
alerts: {caps_at: [80], webhooks: [{url: "https://hook.example"}]}
"""


def problems(text: str) -> int:
    validator = jsonschema_rs.validator_for(config_schema())
    return len(list(validator.iter_errors(yaml.safe_load(text))))


def described(schema: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for name, part in schema.get("properties", {}).items():
        yield name, bool(part.get("description"))
        yield from described(part)
    for part in schema.get("patternProperties", {}).values():
        yield from described(part)
    for key in ("items",):
        if key in schema:
            yield from described(schema[key])
    for part in schema.get("anyOf", []):
        yield from described(part)


def test_the_shipped_schema_is_the_one_that_the_code_gives() -> None:
    assert json.loads(SHIPPED.read_text("utf-8")) == config_schema(), "write it again: ringfence config schema --output FILE"


def test_every_key_is_described() -> None:
    keys = dict(described(config_schema()))
    assert {"version", "inverse", "if", "kinds", "public_url", "from"} <= keys.keys()
    assert [name for name, told in keys.items() if not told] == []


def test_editors_accept_a_good_file() -> None:
    assert problems(GOOD) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 2"),
        ("share: run", "share: runn"),
        ("effect: write", "efect: write"),
        ("300s", "300"),
        ("git.commit:", "gitcommit:"),
        ("from: git.log, ", ""),
        ("[80]", "[101]"),
    ],
)
def test_editors_refuse_a_bad_file(old: str, new: str) -> None:
    assert old in GOOD
    assert problems(GOOD.replace(old, new, 1)) > 0
