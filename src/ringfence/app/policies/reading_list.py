"""What policies can read of a tool, and what they have read of a call, as people are told."""

from __future__ import annotations

from typing import Any

from ringfence.app.policies.trial import Trial, Tried
from ringfence.core.narrowing.tightening import tightened
from ringfence.core.policy.argument_types import CedarType, RecordOf, Scalar, SetOf, arguments_of
from ringfence.core.policy.shard import Shard
from ringfence.core.policy.values import NotHeldError, record_value
from ringfence.core.policy.vocabulary import context_of

_WORDS = {Scalar.STRING: "String", Scalar.BOOL: "Bool", Scalar.LONG: "Long", Scalar.DECIMAL: "decimal"}


def about_tools(trial: Trial) -> dict[str, dict[str, Any]]:
    """Per tool that a policy names: the policies, the arguments with their Cedar types, and those that Cedar cannot hold."""
    snapshot = trial.compiled.snapshot
    about: dict[str, dict[str, Any]] = {}
    for tool, shard in sorted(snapshot.shards.items()) if snapshot is not None else ():
        if not isinstance(shard, Shard):
            continue
        own = trial.definitions[tool].get("inputSchema")
        record = arguments_of(tightened(own if isinstance(own, dict) else {}, {}, [trial.loaded.rules.tools[tool].tighten]))
        about[tool] = {
            "policies": sorted(policy.id for policy in shard.policies.values()),
            "arguments": {
                name: type_words(one.type) + ("" if one.required else ", may be absent") for name, one in record.fields.items()
            },
            "unavailable": dict(record.unheld),
        }
    return about


def type_words(kind: CedarType) -> str:
    """A Cedar type as policies' authors know it."""
    match kind:
        case SetOf(element=element):
            return f"Set<{type_words(element)}>"
        case RecordOf(fields=fields):
            return "{" + ", ".join(f"{name}: {type_words(one.type)}" for name, one in fields.items()) + "}"
        case _:
            return _WORDS[kind]


def what_was_read(tried: Tried, trial: Trial) -> dict[str, Any]:
    """The context that the policies were given; empty where none names the tool or it could not be made."""
    snapshot = trial.compiled.snapshot
    if snapshot is None or not isinstance(tried.shard, Shard):
        return {}
    try:
        arguments = record_value(tried.shard.arguments, tried.call.value)
    except NotHeldError:
        return {}
    return _plain(context_of(tried.facts, snapshot.local_time(tried.facts.now), arguments))


def _plain(value: Any) -> Any:
    """Cedar's JSON form as its own notation: `Posture::"separate"`, `decimal("1.5000")`."""
    if isinstance(value, dict):
        if isinstance(entity := value.get("__entity"), dict):
            return f'{entity["type"]}::"{entity["id"]}"'
        if isinstance(extension := value.get("__extn"), dict):
            return f'{extension["fn"]}("{extension["arg"]}")'
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
