"""Entries as OCSF 1.6.0 events."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ringfence.core.audit.ocsf import ocsf_event
from ringfence.core.audit.stem import entry_hash, stem_of
from ringfence.core.model.identifiers import AgentId, CallId, RunId, ToolId
from ringfence.core.records.entry import Entry, EntryKind

ENTRY = Entry(
    kind=EntryKind.DECISION,
    at=1_800_000_000_123,
    summary="payments.refund was denied",
    run=RunId("r1"),
    agent=AgentId("support"),
    tool=ToolId("payments.refund"),
    call=CallId("c1"),
    decision="deny",
    by="agent:support",
    body={"arguments": {"amount": 5}, "reasons": [{"code": "budget"}, "odd"], "profile": {"effect": "write"}},
)


def event(entry: Entry = ENTRY, **asked: Any) -> dict[str, Any]:
    leaf = entry.leaf(7, "5a" * 16)
    return ocsf_event(json.loads(leaf), leaf, "ringfence.log", **asked)


def test_a_denied_call_is_an_api_activity_with_everything_that_the_class_requires() -> None:
    found = event()
    assert (found["class_uid"], found["category_uid"], found["type_uid"]) == (6003, 6, 600399)
    assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
    assert found["metadata"]["version"] == "1.6.0"
    assert found["metadata"]["uid"] == "e7"
    assert found["metadata"]["correlation_uid"] == "c1"
    assert found["metadata"]["profiles"] == ["security_control"]
    assert found["time"] == 1_800_000_000_123
    assert found["api"] == {"operation": "payments.refund", "service": {"name": "payments"}, "request": {"uid": "c1"}}
    assert found["actor"]["user"] == {"name": "support", "type_id": 3}
    assert found["actor"]["session"] == {"uid": "r1"}
    assert found["src_endpoint"] == {"name": "support"}
    assert (found["action_id"], found["disposition_id"], found["severity_id"]) == (2, 2, 3)
    assert found["unmapped"]["reasons"] == ["budget"]
    assert found["unmapped"]["leaf_hash"] == entry_hash(ENTRY.leaf(7, "5a" * 16)).hex()


def test_arguments_leave_only_where_that_was_asked_for() -> None:
    assert "amount" not in json.dumps(event())
    assert event(bodies=True)["unmapped"]["body"]["arguments"] == {"amount": 5}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"decision": "allow"}, {"action_id": 1, "disposition_id": 1, "severity_id": 1}),
        ({"decision": "ask"}, {"action_id": 99, "disposition_id": 99, "severity_id": 2}),
        ({"decision": "halt"}, {"action_id": 2, "severity_id": 4}),
        ({"decision": "returned", "kind": EntryKind.OUTCOME}, {"status_id": 1, "action_id": 0}),
        ({"decision": "failed_not_sent", "kind": EntryKind.OUTCOME}, {"status_id": 2}),
        ({"decision": "ambiguous", "kind": EntryKind.OUTCOME}, {"status_id": 99, "severity_id": 4}),
        ({"decision": None, "kind": EntryKind.CONTROL}, {"status_id": 0, "severity_id": 4}),
        ({"body": {"profile": {"effect": "read"}}}, {"activity_id": 2, "type_uid": 600302}),
    ],
)
def test_what_was_decided_and_how_it_ended_has_its_number(changes: dict[str, Any], expected: dict[str, int]) -> None:
    found = event(replace(ENTRY, **changes))
    assert {name: found[name] for name in expected} == expected


def test_an_operator_is_a_user_and_an_entry_without_tool_is_its_kind() -> None:
    found = event(replace(ENTRY, by="operator:ada", tool=None, call=None, run=None, agent=None, kind=EntryKind.RUN))
    assert found["actor"] == {"app_name": "ringfence", "user": {"name": "ada", "type_id": 1}}
    assert found["api"] == {"operation": "run"}


def test_an_entry_whose_body_was_dropped_is_an_event_all_the_same() -> None:
    leaf = stem_of(ENTRY.leaf(7, "5a" * 16))
    found = ocsf_event(json.loads(leaf), leaf, "ringfence.log", bodies=True)
    assert found["unmapped"]["body"] == {}
    assert found["unmapped"]["leaf_hash"] == event()["unmapped"]["leaf_hash"]
