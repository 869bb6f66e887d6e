"""From a server's tool definition to the narrower tool that one agent is shown: same name, less room."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jsonschema_rs

from ringfence.core.definitions.roles import inferred_authorities
from ringfence.core.definitions.schema_cost import cost_of
from ringfence.core.definitions.typed_schema import is_typed
from ringfence.core.model.identifiers import Digest
from ringfence.core.model.profile import ToolProfile
from ringfence.core.model.tool import Tool
from ringfence.core.rules import ToolRule
from ringfence.core.strict_json.canonical import digest_of

_PATTERNS = jsonschema_rs.RegexOptions(size_limit=1 << 20)
_NOT_SHOWN = frozenset({"execution"})
"""Fields of features that the gateway does not forward (tasks)."""
_DERIVED_FIELDS = ("name", "inputSchema", "outputSchema", "annotations", "icons")
"""What a derived tool takes over from the wide one."""


def build_tool(definition: Mapping[str, Any], rule: ToolRule, agent_schema: Mapping[str, Any] | None) -> Tool:
    """The tool as one agent sees it. A schema that cannot be compiled leaves no validator, which denies every call."""
    own = definition.get("inputSchema")
    own_schema: Mapping[str, Any] = own if isinstance(own, Mapping) else {"type": "object"}
    hidden = rule.hidden
    fixed = {**rule.fixed, **hidden}
    shown_schema = tightened(own_schema, fixed, [rule.tighten, agent_schema or {}], closed=rule.closed)
    shown: dict[str, Any] = {
        key: value for key, value in definition.items() if (key in _DERIVED_FIELDS if rule.derived else key not in _NOT_SHOWN)
    }
    shown["inputSchema"] = shown_schema
    if rule.derived:
        shown["name"] = rule.id.partition(".")[2]
        shown["description"] = rule.description
        if rule.title:
            shown["title"] = rule.title
    results = output_validator(definition, rule)
    is_sanitiser = results is not None
    return Tool(
        id=rule.id,
        server=rule.server,
        upstream_name=rule.upstream_name,
        definition=shown,
        pin=digest_of(dict(definition)),
        profile=_held_to(rule.profile, is_sanitiser),
        conditional=tuple(replace(one, profile=_held_to(one.profile, is_sanitiser)) for one in rule.conditional),
        fixed=fixed,
        credential=rule.credential,
        environment=rule.environment,
        inferred=() if rule.profile.authority is not None else inferred_authorities(shown_schema),
        validator=compile_schema(_refusing(shown_schema, hidden)),
        upstream_validator=compile_schema(_ignoring(own_schema, hidden)),
        output_validator=results,
    )


def declares_sanitiser(rule: ToolRule) -> bool:
    """Whether the operator says of any call of the tool that its results carry no text."""
    return rule.profile.sanitiser or any(one.profile.sanitiser for one in rule.conditional)


def output_validator(definition: Mapping[str, Any], rule: ToolRule) -> Any:
    """What a declared sanitiser's results are held to. None where its output schema leaves room for text: it is none then."""
    schema = definition.get("outputSchema")
    return compile_values(schema) if declares_sanitiser(rule) and isinstance(schema, Mapping) and is_typed(schema) else None


def _held_to(profile: ToolProfile, is_sanitiser: bool) -> ToolProfile:
    return profile if is_sanitiser or not profile.sanitiser else replace(profile, sanitiser=False)


def _refusing(schema: Mapping[str, Any], hidden: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that agents see may leave it open whether they set what is hidden from them. They may not."""
    if not hidden:
        return schema
    return {**schema, "allOf": [*schema.get("allOf", []), {"properties": dict.fromkeys(hidden, False)}]}


def _ignoring(schema: Mapping[str, Any], hidden: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the server asks of a credential is not asked of its placeholder."""
    if not hidden:
        return schema
    properties = schema.get("properties")
    return {**schema, "properties": {**(properties if isinstance(properties, Mapping) else {}), **dict.fromkeys(hidden, True)}}


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
    """A validator that never fetches anything, matches patterns in linear time and has a bounded number of checks to make.

    None where there can be none.
    """
    cost = cost_of(schema)
    if not cost.is_bearable:
        return None
    try:
        validator = jsonschema_rs.validator_for(dict(schema), offline=True, mask="(hidden)", pattern_options=_PATTERNS)
    except (ValueError, jsonschema_rs.ValidationError, RecursionError):
        return None
    return _Unexplained(validator) if cost.recursive else validator


def compile_values(schema: Mapping[str, Any]) -> Any:
    """A validator of values that have to be what the schema says: formats count, and the dialect is 2020-12 whatever the schema
    names. Otherwise as `compile_schema`.
    """
    cost = cost_of(schema)
    if not cost.is_bearable:
        return None
    try:
        validator = jsonschema_rs.Draft202012Validator(
            dict(schema), offline=True, mask="(hidden)", pattern_options=_PATTERNS, validate_formats=True
        )
    except (ValueError, jsonschema_rs.ValidationError, RecursionError):
        return None
    return _Unexplained(validator) if cost.recursive else validator


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, where nobody says where."""

    message: str = "the arguments are not what the schema asks for"
    instance_path: tuple[str | int, ...] = ()


class _Unexplained:
    """A validator for a schema that refers to itself.

    jsonschema-rs remembers what it has checked when it only has to say yes or no. To explain a no it tries every branch anew,
    at every level: some twenty nested objects are enough for minutes.
    """

    def __init__(self, validator: Any) -> None:
        self._validator = validator

    def is_valid(self, value: Any) -> bool:
        return self._validator.is_valid(value)

    def iter_errors(self, value: Any) -> Iterator[Fault]:
        if not self._validator.is_valid(value):
            yield Fault()
