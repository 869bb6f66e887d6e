"""The same case under other names: servers, tools, arguments and the agent. Values, words and results stay as they are.

A rule that knows a name gives another answer then; nothing else may change. People speak of things by the names that their
tools have for them: where the task says an argument's name right before its value ("ticket 42"), it says the new name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Any, Final

from msgspec import structs

from ringfence.app.drills.case import Case, Turn
from ringfence.app.drills.deployment import DeployedTool, Deployment

_VOWELS: Final = "aeiou"
_CONSONANTS: Final = "bdfgklmnprstvz"
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORDS_OF_CONDITIONS: Final = frozenset({"and", "in", "true", "false"})
_POINTER_LISTS: Final = ("secret", "objects")
_SUMMED: Final = ("sums", "distinct")


class Names:
    """New names that mean nothing; each old name has one."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._taken: set[str] = set()
        self._new: dict[tuple[str, str], str] = {}

    def of(self, kind: str, old: str) -> str:
        """The new name of an old one. `kind` keeps a tool and an argument of one name apart."""
        known = self._new.get((kind, old))
        if known is None:
            known = self._new[kind, old] = self._fresh()
        return known

    def _fresh(self) -> str:
        while True:
            word = "".join(self._random.choice(_CONSONANTS) + self._random.choice(_VOWELS) for _ in range(3))
            if word not in self._taken:
                self._taken.add(word)
                return word


def renamed(case: Case, names: Names) -> Case:
    """The case with every name replaced."""
    deployment = case.deployment
    shown = {turn.step.changes.tool for turn in case.turns if turn.step.changes is not None}
    known = {name for tool in deployment.tools for name in _argument_names(tool.schema)}
    arguments = {name: names.of("argument", name) for name in sorted(known)}
    tools = {tool.id: _tool_name(tool.id, names) for tool in deployment.tools}
    turns = tuple(_turn(turn, tools, arguments) for turn in case.turns)
    agent = dict(deployment.agent)
    if "tighten" in agent:
        agent["tighten"] = {tools[tool]: _schema(schema, arguments) for tool, schema in agent["tighten"].items()}
    new = Deployment(
        name=names.of("agent", deployment.name),
        task=_task(deployment.task, case.turns, arguments),
        tools=tuple(_tool(tool, tools, arguments, keep=tool.id in shown) for tool in deployment.tools),
        agent=agent,
        knows_secret=deployment.knows_secret,
        asks_models=deployment.asks_models,
    )
    return replace(case, deployment=new, turns=turns)


def _tool_name(tool: str, names: Names) -> str:
    server, _, name = tool.partition(".")
    return f"{names.of('server', server)}.{names.of('tool', name)}"


def _argument_names(schema: Any) -> Iterable[str]:
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for value in schema.values():
            yield from _argument_names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _argument_names(value)


def _turn(turn: Turn, tools: Mapping[str, str], arguments: Mapping[str, str]) -> Turn:
    step = turn.step
    if step.changes is not None:
        changes = structs.replace(step.changes, tool=tools.get(step.changes.tool, step.changes.tool))
        step = structs.replace(step, changes=changes)
    if turn.tool not in tools:
        return replace(turn, step=step)
    return replace(turn, step=step, tool=tools[turn.tool], arguments=renamed_arguments(turn.arguments, arguments))


def renamed_arguments(value: Any, arguments: Mapping[str, str]) -> Any:
    """Arguments under their new names, at every depth."""
    if isinstance(value, Mapping):
        return {arguments.get(key, key): renamed_arguments(item, arguments) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed_arguments(item, arguments) for item in value]
    return value


def _task(task: str, turns: Iterable[Turn], arguments: Mapping[str, str]) -> str:
    for turn in turns:
        for name, value in turn.arguments.items():
            if name in arguments and isinstance(value, str | int | float):
                said = rf"(?i)\b{re.escape(name)}(?=\s+#?{re.escape(str(value))}(?!\w))"
                task = re.sub(said, arguments[name], task)
    return task


def _tool(tool: DeployedTool, tools: Mapping[str, str], arguments: Mapping[str, str], *, keep: bool) -> DeployedTool:
    """`keep`: its description, because its server shows another one later."""
    new = tools[tool.id]
    return replace(
        tool,
        id=new,
        description=tool.description if keep else f"{new.partition('.')[2].capitalize()}.",
        schema=_schema(tool.schema, arguments),
        profile=_profile(tool.profile, tools, arguments),
    )


def _profile(profile: Mapping[str, Any], tools: Mapping[str, str], arguments: Mapping[str, str]) -> dict[str, Any]:
    found = dict(profile)
    if (authority := found.get("authority")) is not None:
        found["authority"] = (
            {_pointer(at, arguments): role for at, role in authority.items()}
            if isinstance(authority, Mapping)
            else [_pointer(at, arguments) for at in authority]
        )
    for key in _POINTER_LISTS:
        if key in found:
            found[key] = [_pointer(at, arguments) for at in found[key]]
    if "lookup" in found:
        found["lookup"] = {**found["lookup"], "keys": [_pointer(at, arguments) for at in found["lookup"]["keys"]]}
    if "inverse" in found:
        found["inverse"] = tools.get(found["inverse"], found["inverse"])
    if "tighten" in found:
        found["tighten"] = _schema(found["tighten"], arguments)
    if "limits" in found:
        found["limits"] = _limits(found["limits"], arguments)
    if "when" in found:
        found["when"] = [
            {**_profile(when, tools, arguments), "if": _condition(when["if"], arguments)} for when in found["when"]
        ]
    return found


def _limits(limits: Mapping[str, Any], arguments: Mapping[str, str]) -> dict[str, Any]:
    found = dict(limits)
    for key in _SUMMED:
        if key in found:
            found[key] = [{**one, "of": _pointer(one["of"], arguments)} for one in found[key]]
    return found


def _schema(schema: Any, arguments: Mapping[str, str]) -> Any:
    if isinstance(schema, list):
        return [_schema(value, arguments) for value in schema]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, Mapping):
            found[key] = {arguments.get(name, name): _schema(inner, arguments) for name, inner in value.items()}
        elif key == "required" and isinstance(value, list):
            found[key] = [arguments.get(name, name) for name in value]
        elif key in ("title", "description"):
            continue
        else:
            found[key] = _schema(value, arguments)
    return found


def _pointer(pointer: str, arguments: Mapping[str, str]) -> str:
    return "/".join(arguments.get(part, part) for part in pointer.split("/"))


def _condition(text: str, arguments: Mapping[str, str]) -> str:
    """Names outside of quotation marks."""
    parts = text.split("'")
    for index in range(0, len(parts), 2):
        parts[index] = _WORD.sub(
            lambda found: found[0] if found[0] in _WORDS_OF_CONDITIONS else arguments.get(found[0], found[0]), parts[index]
        )
    return "'".join(parts)
