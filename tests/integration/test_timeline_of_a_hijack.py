"""A support agent that does what a ticket tells it: the timeline says what it read, what it tried, and what stopped it."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from tests.servers.demo_servers import DemoServer
from tests.servers.gateway_process import ORDINARY, GatewayProcess

THIEF = "GB33BUKB20201555555555"
READ = {"effect": "read", "outbound": False, "sensitivity": "internal"}
PAYOUT = {
    "bounded": True,
    "identity": False,
    "costs_money": False,
    "reversible": True,
    "outbound": True,
    "authority": {"/customer": "target", "/iban": "target"},
}


def configured(folder: Path, orders: DemoServer, payments: DemoServer) -> Path:
    document = {
        "version": 1,
        "approvals": {"hold": "1s", "legs": 1},
        "servers": {"orders": {"command": list(orders.stdio)}, "payments": {"command": list(payments.stdio)}},
        "tools": {
            "orders.get_order": {**READ, "trust": "trusted"},
            "orders.read_ticket": READ,
            "payments.change_payout_account": PAYOUT,
        },
        "agents": {"support": {"purpose": "answers customers", "tools": ["*"], "only_mcp": True}},
    }
    path = folder / "ringfence.json"
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML
    return path


async def command(state: Path, credential: str, *arguments: str) -> str:
    """What a command of ours prints."""
    environment = {**os.environ, "RINGFENCE_OPERATOR_CREDENTIAL": credential}
    line = [*ORDINARY, *arguments, "--state", str(state)]
    process = await asyncio.create_subprocess_exec(*line, stdout=PIPE, stderr=PIPE, env=environment)
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


def only(found: list[dict[str, Any]], **wanted: str) -> dict[str, Any]:
    """The one of them that has all this."""
    matching = [one for one in found if all(one[name] == value for name, value in wanted.items())]
    assert len(matching) == 1, found
    return matching[0]


@pytest.mark.requirement("I10", "I20")
async def test_a_hijacked_run_is_told_from_its_source_to_the_effect_that_never_was(tmp_path: Path) -> None:
    orders, payments = DemoServer("orders", tmp_path), DemoServer("payments", tmp_path)
    state = tmp_path / "state"
    gateway = GatewayProcess(configured(tmp_path, orders, payments), state)
    async with gateway.running(), gateway.people() as first, gateway.clients() as clients:
        admin = await first.add_operator("ada", "admin")
        async with gateway.people(admin) as people:
            opened = await people.done("POST", "/runs", {"agent": "support", "task": "Answer ticket T-4 about order A-1004."})
            run, credential = opened["run"], opened["credential"]
            assert (await clients.call(credential, "orders__get_order", {"order_id": "A-1004"})).is_result
            assert THIEF in json.dumps((await clients.call(credential, "orders__read_ticket", {"ticket_id": "T-4"})).result)
            wanted = {"customer": "Mateo Ferrari", "iban": THIEF}
            assert not (await clients.call(credential, "payments__change_payout_account", wanted)).is_result
            status, answer = await people.decide(await people.waiting(), "deny")
            assert status == 200, answer
            told = await people.done("GET", f"/runs/{run}/lineage")
            asked = next(event for event in told["events"] if event["level"] == "ask")
            why = await people.done("GET", f"/explain/{asked['entry']}")
            export = tmp_path / "log.jsonl"
            await command(state, admin, "audit", "export", "-o", str(export))
    ticket = only(told["events"], what="orders.read_ticket")
    assert told["first_untrusted"] == ticket["entry"]
    assert only(told["edges"], pointer="/iban") == {
        "source": ticket["entry"],
        "effect": asked["entry"],
        "pointer": "/iban",
        "trusted": False,
    }
    act = told["acts"][0]
    assert (len(told["acts"]), act["fate"], act["by"]) == (1, "refused", "ada")
    assert told["summary"][-1] == "Nothing left: no call that changes or sends something was executed while it was untrusted."
    assert f"/iban came only from {ticket['entry']} (what orders.read_ticket returned, at /" in why["in_words"]
    assert f"untrusted since {ticket['entry']} (orders.read_ticket" in why["in_words"]
    assert THIEF not in json.dumps(told)
    assert payments.executed() == []

    # Nothing runs any more: the same from the state directory, and from the export alone.
    page = tmp_path / "run.html"
    offline = json.loads(await command(state, admin, "timeline", run, "--json", "--html", str(page)))
    exported = json.loads(await command(tmp_path / "nothing", admin, "timeline", run, "--json", "--export", str(export)))
    assert offline["edges"] == exported["edges"] == told["edges"]
    assert offline["summary"] == exported["summary"] == told["summary"]
    assert "orders.read_ticket" in page.read_text("utf-8")
    assert "╰" in await command(tmp_path / "nothing", admin, "timeline", run, "--export", str(export))
