"""The log over the API: search, proof, export, timeline, what was touched, why."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from tests.app.control_kit import Desk

from ringfence.core.audit.checkpoint import open_checkpoint
from ringfence.core.audit.proof import verify_inclusion
from ringfence.core.audit.stem import entry_hash
from ringfence.core.audit.verify import verify_log
from ringfence.core.model.identifiers import ToolId
from ringfence.engine.outcome import Refused
from ringfence.ports.audit import AuditQuery
from ringfence.testing.fakes.signer import FakeSigner
from ringfence.testing.scenario import SMALL_WRITE, shop_rules, tool_rule
from ringfence.testing.world import World

ORDER = {"order": "A1"}


async def busy() -> tuple[Desk, Any]:
    """A run that read, wrote, asked and was refused."""
    desk = await Desk.open()
    run = await desk.world.open_run()
    await desk.world.call(run, "orders__get", ORDER)
    await desk.world.call(run, "orders__note", {"order": "A1", "text": "Hello"})
    ticket = await desk.world.ask(run)
    await desk.world.approve(ticket, by="bo")
    await desk.world.call(run, "payments__refund", {"order": "A1", "amount": 25})
    await desk.world.call(run, "orders__drop", ORDER)
    return desk, run


@pytest.mark.parametrize(
    ("query", "decisions"),
    [
        ("kind=decision&decision=deny", ["deny"]),
        ("kind=decision&tool=payments.refund", ["allow", "ask"]),
        ("kind=approval", ["approved"]),
        ("kind=outcome&tool=orders.note", ["returned"]),
        ("kind=decision&q=hello", ["allow"]),
        ("kind=decision&agent=reader", []),
        ("kind=decision&order=oldest&limit=2", ["allow", "allow"]),
    ],
)
async def test_all_filters_have_to_hold(query: str, decisions: list[str]) -> None:
    desk, _ = await busy()
    answer = (await desk.api("GET", f"/audit?{query}", by="vi")).json
    assert [entry["decision"] for entry in answer["entries"]] == decisions


@pytest.mark.requirement("I2")
async def test_pages_follow_each_other_without_gaps_or_repeats() -> None:
    desk, _ = await busy()
    size = (await desk.world.log.head()).size
    for order in ("newest", "oldest"):
        seen: list[int] = []
        cursor = ""
        while True:
            page = (await desk.api("GET", f"/audit?limit=3&order={order}{cursor}")).json
            seen += [entry["seq"] for entry in page["entries"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert sorted(seen) == list(range(size))
        assert seen == sorted(seen, reverse=order == "newest")


async def test_times_are_read_as_iso_or_milliseconds() -> None:
    desk, _ = await busy()
    desk.world.clock.advance(60_000)
    await desk.world.open_run("reader")
    late = desk.world.clock.now()
    for text in (str(late), "2027-01-15T08:01:00Z", "2027-01-15T08:01:00", "2027-01-15T09:01:00%2B01:00"):
        entries = (await desk.api("GET", f"/audit?from={text}")).json["entries"]
        assert [entry["agent"] for entry in entries] == ["reader"], text
    assert (await desk.api("GET", "/audit?from=yesterday")).status == 400
    assert (await desk.api("GET", f"/audit?to={late}&agent=reader")).json["entries"] == []


@pytest.mark.parametrize(
    "query", ["limit=0x", "limit=1001", "cursor=-1", "frm=1", "agent=a&agent=b", "kind=things", "%ff=1", "q=%ff"]
)
async def test_a_query_that_cannot_be_read_is_refused(query: str) -> None:
    desk = await Desk.open()
    assert (await desk.api("GET", f"/audit?{query}")).status == 400


@pytest.mark.requirement("I12")
async def test_an_entry_comes_with_a_proof_that_verifies_against_the_signed_head() -> None:
    desk, _ = await busy()
    unsigned = (await desk.api("GET", "/audit/e3")).json
    assert unsigned["proof"] is None
    assert (await desk.api("GET", "/audit/checkpoint")).status == 404
    signed = (await desk.api("POST", "/audit/checkpoint", {}, by="vi")).json
    shown = (await desk.api("GET", "/audit/e3")).json
    proof = shown["proof"]
    checkpoint = open_checkpoint(proof["checkpoint"], signed["name"], base64.b64decode(signed["public_key"]))
    leaf = entry_hash(shown["leaf"].encode())
    assert leaf.hex() == shown["leaf_hash"]
    path = tuple(base64.b64decode(node) for node in proof["path"])
    assert verify_inclusion(3, checkpoint.size, leaf, path, checkpoint.root)
    assert shown["entry"]["id"] == "e3"


@pytest.mark.parametrize("name", ["e9999", "3", "e03", "e-1", "e1 ", "e%0a1"])
async def test_an_entry_that_does_not_exist_is_not_found(name: str) -> None:
    desk, _ = await busy()
    assert (await desk.api("GET", f"/audit/{name}")).status == 404
    assert (await desk.api("GET", f"/explain/{name}")).status == 404


@pytest.mark.requirement("I12")
async def test_an_export_verifies_offline_and_a_changed_one_does_not() -> None:
    desk, _ = await busy()
    await desk.api("POST", "/audit/checkpoint", {})
    *leaves, last = (await desk.api("GET", "/audit/export", by="vi")).text.encode().splitlines()
    note = json.loads(last)
    key = base64.b64decode(note["public_key"])
    assert key == FakeSigner().public_key
    assert verify_log(leaves, note["checkpoint"], key, note["name"]).is_intact
    changed = [leaf.replace(b'"amount":25', b'"amount":26') for leaf in leaves]
    assert changed != leaves
    assert not verify_log(changed, note["checkpoint"], key, note["name"]).is_intact
    assert not verify_log(leaves[:-1], note["checkpoint"], key, note["name"]).is_intact


async def test_a_timeline_has_the_run_its_child_runs_and_the_stops_that_reached_it() -> None:
    desk, run = await busy()
    child = await desk.world.open_run("reader", parent=run.run)
    await desk.world.call(child, "orders__get", ORDER)
    other = await desk.world.open_run("reader")
    await desk.world.call(other, "orders__get", ORDER)
    await desk.api("POST", "/kill", {"scope": {"agent": "reader"}})
    stop = (await desk.api("POST", "/kill", {"scope": {"run": run.run.id}})).json
    shown = (await desk.api("GET", f"/runs/{run.run.id}/timeline", by="vi")).json
    assert shown["runs"] == [run.run.id, child.run.id]
    assert {entry["run"] for entry in shown["entries"]} == {run.run.id, child.run.id, None}
    assert shown["markers"]["first_stop"] == stop["entry"]
    assert shown["markers"]["first_asked"] is not None
    assert shown["markers"]["first_refused"] is not None
    seqs = [entry["seq"] for entry in shown["entries"]]
    assert seqs == sorted(set(seqs))
    first = (await desk.api("GET", f"/runs/{run.run.id}/timeline?limit=4")).json
    rest = (await desk.api("GET", f"/runs/{run.run.id}/timeline?cursor={first['next']}")).json
    assert [entry["seq"] for entry in first["entries"] + rest["entries"]] == seqs


async def test_a_timeline_of_nothing_is_not_found() -> None:
    desk, _ = await busy()
    assert (await desk.api("GET", "/runs/r_nothing/timeline")).status == 404


async def test_what_was_touched_is_told_per_tool_and_object() -> None:
    desk, run = await busy()
    shown = (await desk.api("GET", f"/touched?run={run.run.id}", by="vi")).json
    rows = {(row["tool"], row["object"]): row for row in shown["touched"]}
    assert rows["payments.refund", "A1"]["state"] == "not undone"
    assert rows["orders.note", "A1"]["returned"] == 1
    assert rows["orders.get", ""]["state"] == "read"
    assert ("orders.drop", "") not in rows
    assert shown["complete"] is True
    assert (await desk.api("GET", "/touched?agent=support")).json["touched"] == shown["touched"]
    assert (await desk.api("GET", "/touched")).status == 400


async def test_a_write_is_undone_by_its_inverse_on_the_same_object_even_from_another_run() -> None:
    hold = replace(SMALL_WRITE, inverse=ToolId("orders.note"))
    rules = shop_rules(tools=(tool_rule("orders.get", hold),))
    desk = await Desk.open(await World.build(rules=rules))
    run, cleaner = await desk.world.open_run(), await desk.world.open_run()
    for order in ("A1", "A1", "B2"):
        await desk.world.call(run, "orders__get", {"order": order})
    await desk.world.call(cleaner, "orders__note", {"order": "A1", "text": "undo"})
    rows = (await desk.api("GET", f"/touched?run={run.run.id}")).json["touched"]
    assert {row["object"]: row["state"] for row in rows} == {"A1": "partly undone", "B2": "not undone"}
    await desk.world.call(cleaner, "orders__note", {"order": "A1", "text": "undo"})
    rows = (await desk.api("GET", f"/touched?run={run.run.id}")).json["touched"]
    assert {row["object"]: row["state"] for row in rows} == {"A1": "undone", "B2": "not undone"}


@pytest.mark.requirement("I20")
async def test_any_entry_of_an_approved_call_explains_the_whole_chain() -> None:
    desk, _ = await busy()
    records = [
        r for r in await desk.world.log.query(AuditQuery(tool="payments.refund", limit=100)) if b'"call":null' not in r.leaf
    ]
    assert len(records) == 4
    for record in records:
        shown = (await desk.api("GET", f"/explain/{record.id}", by="vi")).json
        kinds = [(entry["kind"], entry["decision"]) for entry in shown["chain"]]
        assert kinds == [("decision", "ask"), ("approval", "approved"), ("decision", "allow"), ("outcome", "returned")]
        assert shown["approval"]["state"] == "consumed"
        assert "bo approved" in shown["in_words"]
        assert shown["reasons"]


@pytest.mark.requirement("I20")
async def test_a_refusal_is_explained_with_the_smallest_change() -> None:
    desk = await Desk.open()
    run = await desk.world.open_run("reader")
    refused = await desk.world.call(run, "orders__note", {"order": "A1", "text": "x"})
    assert isinstance(refused, Refused)
    shown = (await desk.api("GET", f"/explain/{refused.entry}")).json
    changes = [reason["smallest_change"] for reason in shown["reasons"]]
    assert changes
    assert all(change["text"] for change in changes)


async def test_an_entry_without_a_call_is_explained_by_itself() -> None:
    desk = await Desk.open()
    stop = (await desk.api("POST", "/kill", {"scope": "everything"})).json
    shown = (await desk.api("GET", f"/explain/{stop['entry']}")).json
    assert shown["in_words"] == "kill of everything by operator:ada."
    assert [entry["id"] for entry in shown["chain"]] == [stop["entry"]]
    assert shown["reasons"] == []


async def test_reading_the_log_writes_nothing() -> None:
    desk, run = await busy()
    await desk.api("POST", "/audit/checkpoint", {})
    before = await desk.world.log.head()
    for path in (
        "/audit",
        "/audit/e1",
        "/audit/export",
        "/audit/checkpoint",
        "/explain/e4",
        f"/runs/{run.run.id}/timeline",
        f"/touched?run={run.run.id}",
        "/approvals?state=all",
        "/status",
    ):
        assert (await desk.api("GET", path)).status == 200
    assert await desk.world.log.head() == before
