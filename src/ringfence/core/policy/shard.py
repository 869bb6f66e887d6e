"""The policies that can matter to one tool, held against its schema and kept parsed.

Cedar's work grows with the number of policies, so each tool gets those whose head can hold for it, and a tool that no policy
names gets none at all. Cedar skips a forbid that errs; here whatever cannot be evaluated denies.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import cedarpy
from cedarpy import pst

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import Digest, ServerId, ToolId
from ringfence.core.model.policy import LocalTime, Policy
from ringfence.core.model.profile import ToolProfile
from ringfence.core.policy.answers import Answers
from ringfence.core.policy.argument_types import RecordOf, Unheld, arguments_of, found_at
from ringfence.core.policy.reading import Fault, one_line, parse
from ringfence.core.policy.scope import WHOLE, Path, arguments_read, context_read, matches
from ringfence.core.policy.values import NotHeldError, record_value
from ringfence.core.policy.vocabulary import cedar_schema, context_of, request_of, tool_entity

GRANTS = "permit (principal, action, resource);"
"""Cedar allows nothing without a permit. What an agent may do is said by its grants; every policy tightens that."""
CONTEXT_LIMIT = 256 * 1024
"""Characters of the arguments that policies read. Longer ones are denied: matching patterns holds up every other call."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A policy with what its syntax tree says."""

    policy: Policy
    template: pst.Template
    reads: frozenset[Path]
    actions: frozenset[str]
    """The tools and servers that it names as actions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSource:
    """What a shard is made for: one configured tool with the definition in use."""

    id: ToolId
    server: ServerId
    pin: Digest
    schema: Mapping[str, Any]
    """What the arguments that are sent have to satisfy: the server's own schema and the operator's `tighten`."""
    profiles: tuple[ToolProfile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Everything that evaluating one tool's calls needs."""

    pin: Digest
    policies: Mapping[str, Policy]
    """By the id that Cedar gave each."""
    handle: cedarpy.PolicySet
    schema: cedarpy.Schema
    arguments: RecordOf
    """The arguments that some policy reads: no others are copied."""
    entities: Mapping[ToolProfile, cedarpy.Entities]
    beside: frozenset[Path] | None
    """What some policy reads of the context besides the arguments; None where one takes the context as a whole."""
    answers: Answers[Evaluation] = field(default_factory=lambda: Answers["Evaluation"](), init=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Broken:
    """Policies that do not fit the tool's schema: every call of the tool is denied."""

    pin: Digest
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the policies say of one call. With a fault nothing else counts."""

    forbidding: tuple[Policy, ...] = ()
    fault: str = ""


def parsed(policies: Iterable[Policy]) -> tuple[Parsed, ...]:
    """The policies with their syntax trees. They have been read once already, so each is one good statement."""
    result: list[Parsed] = []
    for policy in policies:
        ((_, template),) = parse(policy.text)
        assert not isinstance(template, Fault)  # INVARIANT: `read_policies` let it through
        actions = frozenset(entity.id for entity in pst.entity_uids(template) if str(entity.type) == "Action")
        result.append(Parsed(policy, template, arguments_read(template), actions))
    return tuple(result)


def misnamed(policies: Iterable[Parsed], tools: Mapping[ToolId, tuple[ServerId, RecordOf | None]]) -> dict[str, str]:
    """Policies that test an argument which none of their tools has, with what to say: they would never forbid.

    `tools` has the arguments of every configured tool; None where its definition is not known, so that nothing can be said.
    """
    faults: dict[str, str] = {}
    for one in policies:
        own = [arguments for tool, (server, arguments) in tools.items() if matches(one.template, tool, server)]
        known = [arguments for arguments in own if arguments is not None]
        if len(known) < len(own):
            continue
        for path in sorted(one.reads - {WHOLE}):
            if all(found_at(arguments, path) is None for arguments in known):
                names = sorted({name for arguments in known for name in (*arguments.fields, *arguments.unheld)})
                has = f"they have: {', '.join(names[:12])}" if names else "they have none"
                faults[one.policy.id] = (
                    f"{one.policy.place}: {one.policy.id} reads `{'.'.join(path)}`, which none of its tools has; {has}"
                )
    return faults


def naming(policies: Iterable[Parsed], tool: ToolId, server: ServerId) -> tuple[Parsed, ...]:
    """The policies whose head can hold for a tool."""
    return tuple(one for one in policies if matches(one.template, tool, server))


def compiled(tool: ToolSource, policies: Sequence[Parsed]) -> Shard | Broken | None:
    """The shard of one tool from the policies that name it; None where none does."""
    if not policies:
        return None
    arguments = arguments_of(tool.schema)
    others = frozenset(name for one in policies for name in one.actions)
    faults = [
        *_unheld(policies, arguments, tool.id),
        *_invalid(policies, cedar_schema(tool.id, tool.server, arguments, others)),
    ]
    if faults:
        return Broken(tool.pin, tuple(faults))
    read = _narrowed(arguments, policies)
    try:
        handle = cedarpy.PolicySet.from_str("\n".join([GRANTS, *(one.policy.text for one in policies)]))
        schema = _schema(cedar_schema(tool.id, tool.server, read, others))
        entities = {
            profile: cedarpy.Entities.from_json_str(json.dumps([tool_entity(tool.id, tool.server, profile)]), schema)
            for profile in tool.profiles
        }
    except ValueError as error:
        return Broken(tool.pin, (f"cannot be compiled for {tool.id}: {one_line(error)}",))
    by_id = {one.policy.id: one.policy for one in policies}
    given = {key: each.annotations.get("id") for key, each in handle.to_pst().static_policies.items()}
    keyed = {key: by_id[name] for key, name in given.items() if name is not None}
    if len(keyed) != len(policies) or len(given) != len(policies) + 1:
        return Broken(tool.pin, (f"Cedar does not see every policy of {tool.id}",))
    return Shard(
        pin=tool.pin,
        policies=keyed,
        handle=handle,
        schema=schema,
        arguments=read,
        entities=entities,
        beside=_beside(policies),
    )


def evaluate(shard: Shard, call: Call, facts: Facts, local: LocalTime) -> Evaluation:
    """Which policies forbid one call. Never raises for what the call holds."""
    tool = facts.tool
    if tool is None or tool.pin != shard.pin:
        return Evaluation(fault=f"the policies on {call.tool} were compiled for another definition of it")
    entities = shard.entities.get(tool.profile_for(call.value))
    if entities is None:
        return Evaluation(fault=f"the policies on {call.tool} were compiled for another profile of it")
    try:
        arguments = record_value(shard.arguments, call.value)
    except NotHeldError as error:
        return Evaluation(fault=f"the policies cannot be given the arguments: {error}")
    context = context_of(facts, local, arguments)
    # Whatever else the call holds, Cedar does not see it or no policy looks at it.
    key = None
    if shard.beside is not None:
        looked_at = [_at(context, path) for path in shard.beside]
        key = (call.agent, entities, json.dumps([arguments, looked_at]))
        if (known := shard.answers.of(key)) is not None:
            return known
    found = _asked(shard, call, entities, json.dumps(context))
    if key is not None and not found.fault:
        shard.answers.keep(key, found, len(key[2]))
    return found


def _asked(shard: Shard, call: Call, entities: cedarpy.Entities, context: str) -> Evaluation:
    if len(context) > CONTEXT_LIMIT:
        return Evaluation(fault=f"the arguments that the policies read are longer than {CONTEXT_LIMIT} characters")
    try:
        answer = cedarpy.is_authorized(request_of(call, context), shard.handle, entities, shard.schema)
        decision, reasons, errors = answer.decision, answer.diagnostics.reasons, answer.diagnostics.errors
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        return Evaluation(fault=f"Cedar gave no answer: {one_line(error)}")
    if errors or decision is cedarpy.Decision.NoDecision:
        return Evaluation(fault=_in_words(shard, errors) or "Cedar did not decide")
    forbidding = tuple(sorted((shard.policies[key] for key in reasons if key in shard.policies), key=lambda policy: policy.id))
    if (decision is cedarpy.Decision.Allow) == bool(forbidding):
        return Evaluation(fault="Cedar's decision and its reasons differ")
    return Evaluation(forbidding)


def _in_words(shard: Shard, errors: Sequence[str]) -> str:
    """Cedar's messages with the policies' own ids."""
    text = "; ".join(one_line(error) for error in errors[:5])
    for key, policy in sorted(shard.policies.items(), key=lambda item: -len(item[0])):
        text = text.replace(f"`{key}`", f"`{policy.id}`")
    return text


def _unheld(policies: Sequence[Parsed], arguments: RecordOf, tool: ToolId) -> list[str]:
    """Policies that read what Cedar cannot hold: it would be absent for them, and they would never forbid."""
    faults: list[str] = []
    for one in policies:
        for path in sorted(one.reads):
            if path == WHOLE and arguments.unheld:
                name, why = next(iter(arguments.unheld.items()))
                faults.append(
                    f"{one.policy.place}: {one.policy.id} takes all arguments of {tool}, but `{name}` cannot be held: {why}"
                )
            elif isinstance(found := found_at(arguments, path), Unheld):
                faults.append(f"{one.policy.place}: {one.policy.id} reads `{'.'.join(path)}` of {tool}: {found.why}")
    return faults


def _invalid(policies: Sequence[Parsed], schema: Mapping[str, Any]) -> list[str]:
    """What Cedar's strict validation says, policy by policy."""
    try:
        handle = _schema(schema)
        text = "\n".join(one.policy.text for one in policies)
        if cedarpy.validate_policies(text, handle).validation_passed:
            return []
        faults: list[str] = []
        for one in policies:
            result = cedarpy.validate_policies(one.policy.text, handle)
            said = dict.fromkeys(one_line(error.error) for error in result.errors)
            faults += [f"{one.policy.place}: {message.replace('`policy0`', f'`{one.policy.id}`')}" for message in said]
            if not result.validation_passed and not said:
                faults.append(f"{one.policy.place}: {one.policy.id} is not valid")
    except ValueError as error:
        return [f"the schema cannot be used: {one_line(error)}"]
    return faults or ["the policies are not valid together"]


def _schema(schema: Mapping[str, Any]) -> cedarpy.Schema:
    return cedarpy.Schema.from_json_str(json.dumps(schema))


def _beside(policies: Sequence[Parsed]) -> frozenset[Path] | None:
    read = {path for one in policies for path in context_read(one.template)}
    if WHOLE in read:
        return None
    return frozenset(path for path in read if path[0] != "arguments")


def _at(context: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(context, dict):
            return None
        context = cast("dict[str, Any]", context).get(name)
    return context


def _narrowed(arguments: RecordOf, policies: Sequence[Parsed]) -> RecordOf:
    """The arguments that some policy reads."""
    reads = {path for one in policies for path in one.reads}
    if WHOLE in reads:
        return arguments
    names = {path[0] for path in reads}
    return RecordOf({name: one for name, one in arguments.fields.items() if name in names})
