"""The sentence at the head of a card: the operator's words, and nothing that an agent wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.flow_kit import call

from ringfence.core.approvals.card import effect_sentence
from ringfence.core.model.identifiers import ServerId
from ringfence.core.model.local import LOCAL
from ringfence.core.model.profile import ToolProfile
from ringfence.testing.scenario import READ, SMALL_WRITE


@pytest.mark.requirement("I15")
@pytest.mark.parametrize(
    "server, profile, said",
    [
        (LOCAL, SMALL_WRITE, "a acts with its own tool act"),
        (LOCAL, READ, "a reads with its own tool act"),
        (ServerId("srv"), SMALL_WRITE, "a changes srv with act"),
        (ServerId("srv"), READ, "a reads from srv with act"),
    ],
)
def test_it_says_whose_tool_it_is_and_whether_it_changes_anything(server: ServerId, profile: ToolProfile, said: str) -> None:
    assert effect_sentence(replace(call({"command": "rm -rf /"}), server=server), profile) == said
