"""The words by which people ask for a tool, in the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.core.model.identifiers import ToolId
from ringfence.errors import ConfigError

FILE = """\
version: 1
servers: {edr: {command: [e]}}
tools: {edr.free: {said_as: WORDS, when: [{if: "host == 'x'", said_as: []}]}}
agents: {soc: {purpose: watch, tools: [edr.*]}}
"""


def read(said_as: list[str]) -> str:
    return FILE.replace("WORDS", json.dumps(said_as, ensure_ascii=False))


def test_words_and_phrases_are_read_and_a_condition_may_take_them_back() -> None:
    words = ["release", "lift ... isolation", "l\u00f6schen", "gib frei", "sign-off"]
    rule = parse_config(read(words).encode(), Path("r.yaml")).rules.tools[ToolId("edr.free")]
    assert rule.profile.said_as == tuple(words)
    assert [one.profile.said_as for one in rule.conditional] == [()]


def test_nothing_is_declared_for_a_tool_that_says_nothing() -> None:
    text = FILE.replace("said_as: WORDS, ", "")
    assert parse_config(text.encode(), Path("r.yaml")).rules.tools[ToolId("edr.free")].profile.said_as == ()


@pytest.mark.parametrize("bad", ["", "a", "... release", "release ...", "release!", "a|b", "x" * 90, "lift  isolation"])
def test_what_is_no_word_is_refused(bad: str) -> None:
    with pytest.raises(ConfigError, match="said_as"):
        parse_config(read([bad]).encode(), Path("r.yaml"))
