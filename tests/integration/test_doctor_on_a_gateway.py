"""`ringfence doctor` beside a real gateway: while it runs, after it ended, and what the next start says of unbound runs."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.app.cli_kit import ringfence
from tests.app.doctor_kit import Place
from tests.servers.gateway_process import GatewayProcess

CONFIG = {
    "version": 1,
    "servers": {"shop": {"command": ["/bin/true"]}},
    "tools": {"shop.look": {"effect": "read", "outbound": False}},
    "agents": {"clerk": {"purpose": "x", "tools": ["shop.*"]}, "aide": {"purpose": "x", "tools": [], "only_mcp": True}},
}
"""Its server ends at once, which is nothing that doctor looks at."""


def found(place: Place, state: Path) -> dict[str, Any]:
    said = ringfence("doctor", "--config", str(place.config), "--state", str(state), "--json", home=place.home)
    assert said.code == 1, said.err
    return said.json


async def test_unbound_runs_are_found_in_a_gateway_that_runs_and_in_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place.made(tmp_path, CONFIG)
    monkeypatch.chdir(place.work)
    state = tmp_path / "state"
    adding = ("operator", "add", "ada", "--role", "admin", "--state", str(state))
    added = await asyncio.to_thread(ringfence, *adding, home=place.home)
    assert added.code == 0, added.err
    gateway = GatewayProcess(place.config, state)
    await gateway.start()
    assert "unbound" not in gateway.errors()
    async with gateway.people() as people:
        unbound, _ = await people.open_run("clerk")
        body = {"agent": "clerk", "task": "x", "binding": f"uid:{os.getuid()}"}
        bound = (await people.done("POST", "/runs", body))["run"]
        static = (await people.done("POST", "/agents/aide/credential", {}))["run"]
    while_running = found(place, state)
    assert await gateway.stop() == 0
    stopped = found(place, state)
    assert while_running["looked_at"]["gateway"] == "running"
    assert stopped["looked_at"]["gateway"] == "not running"
    for seen in (while_running, stopped):
        by_code = {finding["code"]: finding for finding in seen["findings"]}
        assert set(by_code) == {"posture_shared", "unbound_bearer", "long_lived"}, seen["findings"]
        assert sorted(by_code["unbound_bearer"]["where"]) == sorted(
            [f"run {unbound} (clerk)", f"run {static} (aide, standing)"]
        )
        assert by_code["long_lived"]["where"] == [f"run {static}"]
        assert bound not in json.dumps(seen)
        assert seen["posture"]["is"] == "shared"
    async with gateway.running():
        assert "unbound: 2. Open runs whose credential is bound to no sender" in gateway.errors()
        async with gateway.people() as people:
            started = [entry for entry in await people.log() if entry["summary"] == "gateway started"]
    assert [entry["body"]["unbound_runs"] for entry in started] == [0, 2]
    (state / "control.sock").unlink(missing_ok=True)
    (state / "log.key").chmod(0o644)
    assert "readable_by_others" in {finding["code"] for finding in found(place, state)["findings"]}
