"""A tool's input schema from the calls of it that a record has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


def schema_of(calls: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """An object of the arguments that occur; what every call has is required."""
    seen = list(calls)
    properties: dict[str, Any] = {}
    for arguments in seen:
        for name, value in arguments.items():
            properties.setdefault(name, {"type": _TYPES[type(value)]})
    required = [name for name in properties if all(name in arguments for arguments in seen)]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
