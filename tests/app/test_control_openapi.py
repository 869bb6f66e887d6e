"""The OpenAPI document says what is served."""

from __future__ import annotations

import json

from jsonschema_rs import Draft202012Validator
from tests.app.control_kit import Desk

from ringfence.app.control.answer import STATUS, ProblemCode


async def test_the_document_names_every_route_and_its_body() -> None:
    desk = await Desk.open()
    document = (await desk.api("GET", "/openapi.json", by=None)).json
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    for path, methods in {
        "/api/v1/approvals": {"get"},
        "/api/v1/approvals/{id}/decision": {"post"},
        "/api/v1/kill": {"post", "delete"},
        "/api/v1/tools/{id}/disable": {"post"},
        "/api/v1/tools/{id}/enable": {"post"},
        "/api/v1/runs": {"get", "post"},
        "/api/v1/audit": {"get"},
        "/api/v1/audit/export": {"get"},
        "/api/v1/login": {"post"},
        "/healthz": {"get"},
    }.items():
        assert set(paths[path]) == methods, path
    decision = paths["/api/v1/approvals/{id}/decision"]["post"]
    schema = decision["requestBody"]["content"]["application/json"]["schema"]
    body = Draft202012Validator(schema)
    assert body.is_valid({"decision": "approve", "digest": "x"})
    assert not body.is_valid({"decision": "approve"})
    assert not body.is_valid({"decision": "perhaps", "digest": "x"})
    assert not body.is_valid({"decision": "deny", "digest": "x", "more": 1})


async def test_operation_ids_are_unique_and_every_operation_has_a_summary() -> None:
    desk = await Desk.open()
    document = (await desk.api("GET", "/openapi.json", by=None)).json
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert all(operation["summary"].endswith(".") for operation in operations)


async def test_every_described_get_without_parts_is_served() -> None:
    desk = await Desk.open()
    document = (await desk.api("GET", "/openapi.json", by=None)).json
    for path, methods in document["paths"].items():
        if "get" in methods and "{" not in path:
            answer = await desk.page("GET", path, headers={"authorization": f"Bearer {desk.credentials['vi']}"})
            assert answer.status in (200, 400, 404), path
            assert "there is nothing here" not in answer.text, path


async def test_what_is_not_there_is_not_found_and_says_where_to_look() -> None:
    desk = await Desk.open()
    answer = await desk.api("GET", "/aprovals")
    assert answer.status == 404
    assert answer.error["remedy"] == "/api/v1/openapi.json"


def test_every_problem_has_one_status() -> None:
    assert set(STATUS) == set(ProblemCode)
    assert json.dumps([code.value for code in ProblemCode])
