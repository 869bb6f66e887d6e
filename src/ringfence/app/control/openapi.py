"""The OpenAPI 3.1 document of the control API, made from the table of routes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ringfence.app.control.answer import STATUS, ProblemCode
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import field_schema, json_schema

_PART = re.compile(r"{([a-z]+)}")
_PROBLEMS = (ProblemCode.MALFORMED, ProblemCode.UNAUTHENTICATED, ProblemCode.FORBIDDEN, ProblemCode.UNAVAILABLE)


def openapi(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The document (https://spec.openapis.org/oas/v3.1.1)."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.full_path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ringfence control API",
            "version": version,
            "description": "For people. Nothing that an agent holds is accepted here. On the unix socket the peer's user "
            "says who is asking; elsewhere an operator's credential or a login does.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"operator": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": _PROBLEM},
        },
        "security": [{"operator": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _PART.findall(route.full_path)
    ]
    asked = [
        {"name": f.name, "in": "query", "required": f.required, "description": f.about, "schema": field_schema(f)}
        for f in route.query
    ]
    media = route.answer if "/" in route.answer and " " not in route.answer else "application/json"
    problems: list[ProblemCode] = [*_PROBLEMS, ProblemCode.NOT_FOUND] if named else list(_PROBLEMS)
    if route.method != "GET":
        problems.append(ProblemCode.REFUSED)
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "parameters": [*named, *asked],
        "responses": {
            "200": {"description": route.answer or route.summary, "content": {media: {}}},
            **{str(STATUS[code]): _problem(code) for code in problems},
        },
    }
    if route.body is not None:
        schema = json_schema(route.body)
        operation["requestBody"] = {"required": bool(schema["required"]), "content": {"application/json": {"schema": schema}}}
    if route.role is None:
        operation["security"] = []
    else:
        operation["x-least-role"] = route.role.value
    return operation


def _operation_id(route: Route) -> str:
    words = re.sub(r"[^a-z]+", "_", route.full_path.lower().removeprefix("/api/v")).strip("_")
    return f"{route.method.lower()}_{words}"


def _problem(code: ProblemCode) -> dict[str, Any]:
    return {
        "description": code.value,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "remedy"],
            "properties": {
                "code": {"enum": [code.value for code in ProblemCode]},
                "message": {"type": "string"},
                "remedy": {"type": "string", "description": "What to do about it; may be empty."},
            },
        }
    },
}
