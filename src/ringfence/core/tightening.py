"""From a server's tool definition to the narrower tool that one agent is shown: same name, less room."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from ringfence.core.canonical import digest_of
from ringfence.core.model import Digest, Tool
from ringfence.core.rules import ToolRule

_PATTERNS = jsonschema_rs.RegexOptions(size_limit=1 << 20)
_NOT_SHOWN = frozenset({"execution"})
"""Fields of features that the gateway does not forward (tasks)."""
_DERIVED_FIELDS = ("name", "inputSchema", "outputSchema", "annotations", "icons")
"""What a derived tool takes over from the wide one."""


def build_tool(definition: Mapping[str, Any], rule: ToolRule, agent_schema: Mapping[str, Any] | None) -> Tool:
    """The tool as one agent sees it. A schema that cannot be compiled leaves no validator, which denies every call."""
    own = definition.get("inputSchema")
    own_schema: Mapping[str, Any] = own if isinstance(own, Mapping) else {"type": "object"}
    shown_schema = tightened(own_schema, rule.fixed, [rule.tighten, agent_schema or {}], closed=rule.closed)
    shown: dict[str, Any] = {
        key: value for key, value in definition.items() if (key in _DERIVED_FIELDS if rule.derived else key not in _NOT_SHOWN)
    }
    shown["inputSchema"] = shown_schema
    if rule.derived:
        shown["name"] = rule.id.partition(".")[2]
        shown["description"] = rule.description
        if rule.title:
            shown["title"] = rule.title
    return Tool(
        id=rule.id,
        server=rule.server,
        upstream_name=rule.upstream_name,
        definition=shown,
        pin=digest_of(dict(definition)),
        profile=rule.profile,
        conditional=rule.conditional,
        fixed=rule.fixed,
        validator=compile_schema(shown_schema),
        upstream_validator=compile_schema(own_schema),
    )


def withheld_tool(rule: ToolRule, pin: Digest) -> Tool:
    """The place of a tool whose definition may not be used. Its empty schema lets through only what other checks deny."""
    schema: dict[str, Any] = {"type": "object"}
    return Tool(
        id=rule.id,
        server=rule.server,
        upstream_name=rule.upstream_name,
        definition={"name": rule.id.partition(".")[2], "inputSchema": schema},
        pin=pin,
        profile=rule.profile,
        conditional=rule.conditional,
        fixed=rule.fixed,
        validator=compile_schema(schema),
        upstream_validator=compile_schema(schema),
    )


def tightened(
    schema: Mapping[str, Any], fixed: Mapping[str, Any], extra: list[Mapping[str, Any]], *, closed: bool = True
) -> dict[str, Any]:
    """The schema without the fixed arguments, closed where it declares properties, and with every extra constraint.

    A constraint on a property is merged into it where both say different things, and joined by `allOf` where they collide.
    """
    result: dict[str, Any] = copy.deepcopy(dict(schema))
    properties: dict[str, Any] = dict(result.get("properties") or {})
    for name in fixed:
        properties.pop(name, None)
    if "required" in result:
        result["required"] = [name for name in result["required"] if name not in fixed]
    for constraint in extra:
        rest = dict(constraint)
        for name, narrower in dict(rest.pop("properties", {})).items():
            properties[name] = narrowed(properties.get(name, {}), narrower)
        if "required" in rest:
            result["required"] = sorted({*result.get("required", []), *rest.pop("required")})
        if rest:
            result["allOf"] = [*result.get("allOf", []), rest]
    if properties or "properties" in result:
        result["properties"] = properties
        if closed:
            result.setdefault("additionalProperties", False)
    result.setdefault("type", "object")
    return result


def narrowed(own: Any, narrower: Any) -> Any:
    """Both schemas at once."""
    if isinstance(own, dict) and isinstance(narrower, dict) and not (own.keys() & narrower.keys()):
        return {**own, **narrower}
    return {"allOf": [own, narrower]}


def compile_schema(schema: Mapping[str, Any]) -> Any:
    """A validator that never fetches anything and matches patterns in linear time; None where there can be none."""
    try:
        return jsonschema_rs.validator_for(dict(schema), offline=True, mask="(hidden)", pattern_options=_PATTERNS)
    except (ValueError, jsonschema_rs.ValidationError, RecursionError):
        return None
