"""What people see of handoffs, and how they fix a schema: over the API and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.app.cli_kit import office
from tests.app.control_kit import Desk

from ringfence.core.model.profile import Sensitivity, Trust

pytestmark = pytest.mark.requirement("I11")
SCHEMA = {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"], "additionalProperties": False}
HAND = "ringfence__handoff"


async def started(desk: Desk, **asked: Any) -> dict[str, Any]:
    answer = await desk.api("POST", "/runs", {"agent": "support", "task": "x", **asked})
    assert answer.status == 200, answer.text
    return answer.json


async def test_an_operator_fixes_a_schema_and_sees_what_was_handed_over() -> None:
    desk = await Desk.open()
    parent = await started(desk)
    child = await started(desk, parent=parent["run"], result_schema=SCHEMA)
    assert (await desk.api("GET", f"/runs/{child['run']}")).json["owes_a_result"] is True
    path = f"/runs/{child['run']}/handoff"
    assert (await desk.api("GET", path)).json == {
        "run": child["run"],
        "parent": parent["run"],
        "schema": SCHEMA,
        "handed": False,
    }
    await desk.world.call(child["credential"], "orders__get", {"order": "A"})
    await desk.world.call(child["credential"], HAND, {"result": {"note": "paid"}})
    shown = (await desk.api("GET", path)).json
    assert (shown["handed"], shown["result"], shown["typed"], shown["withheld"]) == (True, {"note": "paid"}, False, False)
    assert shown["label"] == {"integrity": Trust.UNTRUSTED, "confidentiality": Sensitivity.INTERNAL}
    assert (await desk.api("GET", f"/runs/{child['run']}")).json["owes_a_result"] is False


async def test_a_credential_in_what_was_handed_over_is_masked_for_people_too() -> None:
    desk = await Desk.open()
    parent = await started(desk)
    child = await started(desk, parent=parent["run"], result_schema=SCHEMA)
    token = "ghp_" + "a1B2" * 9
    await desk.world.call(child["credential"], HAND, {"result": {"note": f"use {token}"}})
    answer = await desk.api("GET", f"/runs/{child['run']}/handoff")
    assert answer.json["handed"] is True
    assert token not in answer.text


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"result_schema": SCHEMA}, 409, "the run above"),
        ({"result_schema": "{}"}, 400, "a JSON object"),
        ({"result_schema": {"$ref": "http://example.com"}, "parent": True}, 409, "outside itself"),
        ({"result_schema": {"type": "none"}, "parent": True}, 409, "invalid"),
    ],
)
async def test_a_schema_that_cannot_be_used_is_refused_with_why(asked: dict[str, Any], status: int, said: str) -> None:
    desk = await Desk.open()
    parent = await started(desk)
    above = {"parent": parent["run"]} if asked.get("parent") else {}
    refused = await desk.api("POST", "/runs", {"agent": "support", "task": "x", **asked, **above})
    assert (refused.status, said in refused.error["message"]) == (status, True), refused.text


async def test_a_run_that_owes_nothing_has_no_handoff_to_show() -> None:
    desk = await Desk.open()
    run = await started(desk)
    assert (await desk.api("GET", f"/runs/{run['run']}/handoff")).status == 409
    assert (await desk.api("GET", "/runs/r_unknown/handoff")).status == 409


def test_the_command_line_opens_a_child_with_a_schema_and_shows_its_handoff(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    with office() as at:
        parent = at("run", "start", "--agent", "support", "--task", "x", "--json").json
        start = ("run", "start", "--agent", "support", "--task", "y", "--parent", parent["run"], "--result-schema", str(file))
        child = at(*start, "--json").json
        said = at("handoff", "show", child["run"])
        assert (said.code, "nothing was handed over so far" in said.out) == (0, True)
        assert at("handoff", "show", child["run"], "--json").json["schema"] == SCHEMA
        assert at("handoff", "show", parent["run"]).code == 1
        file.write_text("{")
        refused = at(*start)
        assert (refused.code, "cannot be read" in refused.err) == (2, True)
