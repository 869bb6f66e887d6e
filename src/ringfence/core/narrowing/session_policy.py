"""From a template and a call's arguments to the session policy of that call. Pure.

A session policy can only narrow what its role may do (AWS, "Session policies"). So that an argument narrows it exactly as the
operator wrote it, a value takes the place of `<name>` inside JSON texts and nowhere else, and whatever would mean more than
itself there is refused unless the template allows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.core.model.assumed_role import Allowed, AssumedRole

POLICY_MOST: Final = 2048
"""Characters of a session policy (AWS STS, AssumeRole, `Policy`)."""
VALUE_MOST: Final = 512
_HOLE: Final = re.compile(r"<([A-Za-z_][A-Za-z0-9_]{0,63})>")
_HOLDERS: Final = frozenset({"Resource", "Condition"})
"""What narrows a statement, and nothing else of it. `NotResource` widens as it is narrowed."""
_SPECIAL: Final = {Allowed.WILDCARDS: "*?", Allowed.VARIABLES: "$", Allowed.SLASHES: "/", Allowed.COLONS: ":"}


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """Why there is no policy for a call. Quotes no value."""

    why: str


def template_faults(role: AssumedRole) -> Iterator[str]:
    """What is wrong with a template, whatever the arguments are."""
    template = json.loads(role.policy)
    statements = template.get("Statement") if isinstance(template, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if (
        not isinstance(statements, list)
        or not statements
        or not all(isinstance(one, dict) for one in cast("list[Any]", statements))
    ):
        yield "a policy has a `Statement` with a mapping, or a list of them"
        return
    if cast("dict[str, Any]", template).get("Version") != "2012-10-17":
        yield 'a policy has `Version: "2012-10-17"` (in quotes)'
    declared = {argument.name for argument in role.arguments}
    for statement in cast("list[dict[str, Any]]", statements):
        if statement.get("Effect") != "Allow" and any(_holes(statement)):
            yield "an argument in a statement that does not allow would widen what is left"
    good, elsewhere = _holes(template)
    for name in sorted(elsewhere):
        yield f"`<{name}>` stands outside of `Resource` and `Condition`"
    for name in sorted((good | elsewhere) - declared):
        yield f"`<{name}>` is not among the `arguments`"
    for name in sorted(declared - good - elsewhere):
        yield f"the argument `{name}` does not stand in the policy"
    if len(_written(template)) > POLICY_MOST:
        yield f"a session policy has at most {POLICY_MOST} characters"


def session_policy(role: AssumedRole, arguments: Mapping[str, Any]) -> str | PolicyFault:
    """The policy of one call, as compact JSON in ASCII."""
    values: dict[str, str] = {}
    for argument in role.arguments:
        found = _at(arguments, argument.pointer)
        value = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
        if fault := _fault(value, argument.allowed):
            return PolicyFault(f"{argument.pointer} (`<{argument.name}>` of the session policy) {fault}")
        values[argument.name] = value
    policy = _written(_filled(json.loads(role.policy), values))
    if len(policy) > POLICY_MOST:
        return PolicyFault(f"the session policy has {len(policy)} characters, and STS takes {POLICY_MOST}")
    return policy


def _fault(value: str, allowed: Collection[Allowed]) -> str:
    """Why a value cannot stand in a policy; empty: it can."""
    if not value:
        return "has to be a text that is not empty"
    if len(value) > VALUE_MOST or not value.isprintable():
        return f"is longer than {VALUE_MOST} characters or holds one that is not printed"
    for kind, signs in _SPECIAL.items():
        if kind not in allowed and (found := [sign for sign in signs if sign in value]):
            return f"holds `{found[0]}`, and the template does not allow {kind.value} in it"
    return ""


def _at(value: Any, pointer: str) -> Any:
    """RFC 6901; None where it leads nowhere."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, Mapping):
            return None
        value = cast("Mapping[str, Any]", value).get(key)
    return value


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        # One pass: what an argument holds is never read as another hole.
        return _HOLE.sub(lambda hole: values[hole[1]], value)
    if isinstance(value, list):
        return [_filled(item, values) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _holes(value: Any, *, inside: bool = False) -> tuple[set[str], set[str]]:
    """The names in places where one may stand, and those elsewhere: keys among them."""
    good: set[str] = set()
    elsewhere: set[str] = set()
    if isinstance(value, str):
        (good if inside else elsewhere).update(_HOLE.findall(value))
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            below = _holes(item, inside=inside)
            good |= below[0]
            elsewhere |= below[1]
    elif isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            below = _holes(item, inside=inside or key in _HOLDERS)
            good |= below[0]
            elsewhere |= below[1] | set(_HOLE.findall(key))
    return good, elsewhere


def _written(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
