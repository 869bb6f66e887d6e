"""What a person sees of a coding agent's calls before a card is opened."""

from pathlib import Path
from typing import Any

import pytest
from tests.app.cli_kit import ringfence

from ringfence.app.cli.client import ControlClient

CARD = {"effect": "coder acts with its own tool Bash", "undo": "cannot be undone", "worst": "It does: git push\u202e\n; ls."}


def item(server: str) -> dict[str, Any]:
    return {
        "id": f"t_{server}", "card": {**CARD, "server": server}, "votes": [], "quorum": 1, "state": "pending",
        "expires_in_s": 600,
    }  # fmt: skip


def test_the_list_shows_what_an_own_tool_would_do_with_nothing_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def waiting(client: ControlClient, method: str, path: str, body: Any = None) -> Any:
        return {"approvals": [item("local"), item("payments")]}

    monkeypatch.setattr(ControlClient, "ask", waiting)
    said = ringfence("approvals", "list", "--state", str(tmp_path), home=tmp_path)
    assert said.code == 0
    assert said.out.count("It does: git push") == 1
    assert "\u202e" not in said.out
