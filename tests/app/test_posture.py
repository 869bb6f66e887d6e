"""Who shares a user with whom, and why."""

from __future__ import annotations

import pytest

from ringfence.app.posture import MEANS, posture_because, stated_posture
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.run import Posture
from ringfence.core.rules import AgentRule


def agent(*uids: int, only_mcp: bool = False) -> AgentRule:
    return AgentRule(id=AgentId("a"), purpose="", tools=(), uids=frozenset(uids), only_mcp=only_mcp)


@pytest.mark.parametrize(
    ("rule", "posture", "why"),
    [
        (agent(), Posture.SHARED, "a: has no `users`, so its processes may run as the gateway's own user (uid 500)"),
        (agent(500, 501), Posture.SHARED, "a: its `users` include the gateway's own user (uid 500)"),
        (agent(0, 501), Posture.SHARED, "a: its `users` include root, whom no file mode stops"),
        (agent(502, 501), Posture.SEPARATE, "a: runs as another user (uid 501, 502)"),
        (agent(only_mcp=True), Posture.SEPARATE, "a: declared `only_mcp`, so it has no shell and no files"),
    ],
)
def test_the_posture_is_stated_with_its_reason(rule: AgentRule, posture: Posture, why: str) -> None:
    assert stated_posture([rule], 500) == (posture, (AgentId("a"),) if posture is Posture.SHARED else ())
    assert posture_because([rule], 500) == (why,)


def test_every_posture_has_its_words() -> None:
    assert set(MEANS) == set(Posture)
