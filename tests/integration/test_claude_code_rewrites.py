"""The real coding agent with managed settings: what runs is the call that was decided, where that is not the one asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.coding_behind_gateway import AGENT, PERMISSIONS, bash, coding


@pytest.mark.requirement("I9")
async def test_a_command_runs_as_it_was_decided_and_not_as_it_was_asked_for(tmp_path: Path) -> None:
    scan = {"personal_data": {"arguments": "mask", "kinds": ["email"]}}
    agent = {"purpose": "Writes code.", "tools": [], "permissions": PERMISSIONS, "local": {"scan": scan}}
    (tmp_path / "gateway").mkdir()
    async with coding(tmp_path / "gateway", agents={AGENT: agent}) as place, place.task(tmp_path) as task:
        turn = await task.does([bash("echo ada@lovelace.org > who")])
        assert (task.machine.project / "who").read_text() == "[masked: email]\n", turn.said
        (decision,) = await task.decided("local.Bash")
        assert decision["body"]["arguments"]["input"]["command"] == "echo [masked: email] > who"
        assert "lovelace" not in str(await task.log())
