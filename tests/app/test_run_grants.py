"""What a run is given, over the API, on the command line and in the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from tests.app.cli_kit import office
from tests.app.control_kit import Desk

from ringfence.app.cli.grants import asked_of
from ringfence.app.config.load import parse_config
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.verdict import ReasonCode
from ringfence.engine.outcome import Refused, Waiting
from ringfence.errors import ConfigError

pytestmark = pytest.mark.requirement("I11")


async def started(desk: Desk, **asked: Any) -> dict[str, Any]:
    answer = await desk.api("POST", "/runs", {"agent": "support", "task": "x", **asked})
    assert answer.status == 200, answer.text
    return answer.json


async def test_a_run_is_opened_with_less_than_its_agent_has_and_says_so() -> None:
    desk = await Desk.open()
    run = await started(
        desk, tools=["orders.*", "payments.refund"], bounds=["payments.refund:/amount<=50 and order == 'A'"], calls=9, ttl_s=600
    )
    shown = (await desk.api("GET", f"/runs/{run['run']}")).json
    assert run["granted"] == shown["granted"]
    assert run["dropped"] == []
    assert shown["granted"]["tools"] == ["orders.boom", "orders.get", "orders.note", "orders.slow", "payments.refund"]
    assert shown["granted"]["bounds"] == ["payments.refund:/amount <= 50", "payments.refund:/order == 'A'"]
    assert shown["calls_cap"] == 9
    refused = await desk.world.call(run["credential"], "payments__refund", {"order": "A", "amount": 51})
    assert isinstance(refused, Refused)
    assert refused.code is ReasonCode.GRANT_BOUND
    assert isinstance(await desk.world.call(run["credential"], "payments__refund", {"order": "A", "amount": 50}), Waiting)


async def test_what_a_child_asks_for_beyond_its_parent_is_dropped_and_said() -> None:
    desk = await Desk.open()
    parent = await started(desk, tools=["orders.get"], calls=3, depth=1)
    child = await started(desk, parent=parent["run"], tools=["orders.*"], calls=5)
    assert child["granted"] == {"tools": ["orders.get"], "calls": 3, "depth": 0}
    assert child["dropped"] == ["tools: orders.boom, orders.note, orders.slow", "calls: 3 instead of 5"]
    refused = await desk.api("POST", "/runs", {"agent": "support", "task": "x", "parent": child["run"]})
    assert refused.status == 409
    assert "no generation may follow" in refused.error["message"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"tools": ["orders.gone"]}, 409, "no tool is called `orders.gone`"),
        ({"bounds": ["payments.refund"]}, 409, "names no tool"),
        ({"bounds": ["payments.gone:/amount<=5"]}, 409, "names no tool"),
        ({"bounds": ["payments.refund:/amount<=many"]}, 409, "expected a number"),
        ({"tools": "orders.get"}, 400, "expected a list"),
        ({"tools": [5]}, 400, "expected a list"),
        ({"ttl_s": 0}, 409, "the time that was given is over"),
    ],
)
async def test_a_slip_is_refused_and_opens_nothing(asked: dict[str, Any], status: int, said: str) -> None:
    desk = await Desk.open()
    answer = await desk.api("POST", "/runs", {"agent": "support", "task": "x", **asked})
    assert answer.status == status
    assert said in answer.error["message"]
    assert await desk.world.store.runs() == ()


def test_the_command_line_says_the_same() -> None:
    assert asked_of(None, None, None, None, None) == {}
    assert asked_of("a.b, c.*,", ["a.b:/x<=1"], 5, 0, "10m") == {
        "tools": ["a.b", "c.*"], "bounds": ["a.b:/x<=1"], "calls": 5, "depth": 0, "ttl_s": 600,
    }  # fmt: skip
    assert asked_of("", None, None, None, None) == {"tools": []}
    with pytest.raises(typer.BadParameter):
        asked_of(None, None, None, None, "10")


def test_a_start_says_what_was_not_given() -> None:
    with office() as at:
        parent = at("run", "start", "--agent", "support", "--task", "x", "--tools", "orders.get", "--json").json
        more = ("--parent", parent["run"], "--tools", "orders.get,orders.note", "--calls", "2", "--ttl", "10m")
        said = at("run", "start", "--agent", "support", "--task", "y", *more)
        assert said.code == 0
        assert "not given   tools: orders.note" in said.out
        wrong = at("run", "start", "--agent", "support", "--task", "y", "--bound", "orders.get")
        assert (wrong.code, "names no tool" in wrong.err) == (1, True)


def delegation(text: str) -> SpawnCaps | None:
    agents = f"{{a: {{purpose: p, tools: [orders.get]{text}}}}}"
    file = f"version: 1\nservers: {{orders: {{command: [x]}}}}\ntools: {{orders.get: {{effect: read}}}}\nagents: {agents}\n"
    return parse_config(file.encode(), Path("r.yaml")).rules.agents[AgentId("a")].delegate


def test_an_agent_delegates_only_where_the_file_says_so() -> None:
    assert delegation("") is None
    assert delegation(", delegate: {}") == SpawnCaps(depth=2, children=5, tree=20)
    assert delegation(", delegate: {depth: 1, children: 3, tree: 4}") == SpawnCaps(depth=1, children=3, tree=4)
    for wrong in ("true", "{depth: 0}", "{tree: 1}", "{children: 1001}", "{dept: 1}"):
        with pytest.raises(ConfigError):
            delegation(f", delegate: {wrong}")
