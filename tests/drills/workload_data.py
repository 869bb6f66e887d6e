"""The benign workload as values: what people ask, what the tools answered, and where each authority argument came from.

The files are described in `tests/drills/workload/README.md`. The loader is strict: an unknown key, a missing key or another
type raises `WorkloadError`, which names the file and the place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import cast

ROOT = Path(__file__).parent / "workload"

Json = Mapping[str, object]


class WorkloadError(Exception):
    """A file of the workload does not have the form that its README gives."""


class Source(StrEnum):
    """Where the value of an authority argument came from. The first that fits, in this order."""

    TASK = "task"
    CONFIGURATION = "configuration"
    RESULT = "result"
    """Only in earlier results: a field of a record, which a lookup or a join can vouch for."""
    CONTENT = "content"
    """Only in what a stranger wrote. No product can derive it, and it honestly costs a question."""


class Spelling(StrEnum):
    SAME = "same"
    DIFFERENTLY = "differently"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool as its operator deploys it: `profile` holds the keys of a tool in ringfence.yaml."""

    name: str
    description: str
    input_schema: Json
    profile: Json
    output_schema: Json | None = None

    @property
    def is_sink(self) -> bool:
        """Whether some call of it writes or reaches somebody outside. Absent keys are the worst, as in the product."""
        whens = cast("Sequence[Json]", self.profile.get("when", ()))
        return any(
            each.get("effect", self.profile.get("effect", "write")) == "write"
            or each.get("outbound", self.profile.get("outbound", True)) is True
            for each in (self.profile, *whens)
        )

    @property
    def authority(self) -> tuple[str, ...]:
        """The declared pointers; `*` stands for every item of an array, a pointer covers everything below it."""
        return tuple(cast("Mapping[str, str] | Sequence[str]", self.profile.get("authority", ())))

    def authority_leaves(self, arguments: Json) -> tuple[str, ...]:
        """JSON pointers of the scalars of `arguments` that decide who or what is acted on, or how much."""
        return tuple(at for at, _ in leaves(arguments) if any(covers(pattern, at) for pattern in self.authority))


@dataclass(frozen=True, slots=True)
class MoreWords:
    """What the operator added right before step `before_step` (1 is the first)."""

    before_step: int
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the agent and what the server answered: structured content, or text."""

    tool: str
    arguments: Json
    result: Json | str


@dataclass(frozen=True, slots=True)
class Value:
    """One authority argument of one step (1 is the first) and its honest origin."""

    step: int
    at: str
    source: Source
    spelled: Spelling
    how: str
    """How the spellings differ; empty where they do not."""


@dataclass(frozen=True, slots=True)
class Task:
    id: str
    domain: str
    task: str
    more_words: tuple[MoreWords, ...]
    provenance: Json
    """Operator configuration: the domain's and the task's own; lists add up, modes replace."""
    steps: tuple[Step, ...]
    values: tuple[Value, ...]
    tools: Mapping[str, Tool]
    """The catalogue of the domain, also the tools that this task does not call."""

    def words_before(self, step: int) -> str:
        """All that the operator has said when step `step` is called."""
        return "\n".join((self.task, *(more.text for more in self.more_words if more.before_step <= step)))


def leaves(value: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Every scalar below `value` with its JSON pointer (RFC 6901)."""
    if isinstance(value, Mapping):
        for key, item in cast("Json", value).items():
            yield from leaves(item, f"{at}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from leaves(item, f"{at}/{index}")
    else:
        yield at, value


def covers(pattern: str, pointer: str) -> bool:
    """Whether `pointer` is at or below a declared pattern."""
    want, have = pattern.split("/")[1:], pointer.split("/")[1:]
    return len(want) <= len(have) and all(part in ("*", got) for part, got in zip(want, have, strict=False))


@cache
def load() -> tuple[Task, ...]:
    """Every task of every domain, by domain and then in the order of the file. Raises: WorkloadError."""
    return tuple(task for folder in sorted(ROOT.iterdir()) if folder.is_dir() for task in _domain(folder))


def _domain(folder: Path) -> Iterator[Task]:
    where = folder.name
    entries = _object(_read(folder / "tools.json"), f"{where}/tools.json").items()
    tools = {name: _tool(name, fields, f"{where}/tools.json {name}") for name, fields in entries}
    config = _keys(_read(folder / "config.json"), f"{where}/config.json", {"provenance"})
    common = _object(config["provenance"], f"{where}/config.json provenance")
    for index, entry in enumerate(_list(_read(folder / "tasks.json"), f"{where}/tasks.json")):
        yield _task(entry, f"{where}/tasks.json [{index}]", where, common, tools)


def _tool(name: str, value: object, where: str) -> Tool:
    fields = _keys(value, where, {"description", "inputSchema", "profile"}, {"outputSchema"})
    return Tool(
        name=name,
        description=_text(fields["description"], where),
        input_schema=_object(fields["inputSchema"], where),
        profile=_object(fields["profile"], where),
        output_schema=_object(fields["outputSchema"], where) if "outputSchema" in fields else None,
    )


def _task(value: object, where: str, domain: str, common: Json, tools: Mapping[str, Tool]) -> Task:
    fields = _keys(value, where, {"id", "task", "steps", "values"}, {"more_words", "provenance"})
    where = f"{where} {_text(fields['id'], where)}"
    steps = tuple(_step(step, where, tools) for step in _list(fields["steps"], where))
    return Task(
        id=_text(fields["id"], where),
        domain=domain,
        task=_text(fields["task"], where),
        more_words=tuple(_more(more, where, len(steps)) for more in _list(fields.get("more_words", []), where)),
        provenance=_joined(common, _object(fields.get("provenance", {}), where)),
        steps=steps,
        values=tuple(_value(each, where, len(steps)) for each in _list(fields["values"], where)),
        tools=tools,
    )


def _step(value: object, where: str, tools: Mapping[str, Tool]) -> Step:
    fields = _keys(value, where, {"tool", "args", "result"})
    tool, result = _text(fields["tool"], where), fields["result"]
    if tool not in tools:
        raise WorkloadError(f"{where}: no tool {tool!r} in the catalogue of the domain")
    return Step(tool, _object(fields["args"], where), result if isinstance(result, str) else _object(result, where))


def _more(value: object, where: str, steps: int) -> MoreWords:
    fields = _keys(value, where, {"before_step", "text"})
    return MoreWords(_number(fields["before_step"], where, steps), _text(fields["text"], where))


def _value(value: object, where: str, steps: int) -> Value:
    fields = _keys(value, where, {"step", "at", "from", "spelled"}, {"how"})
    try:
        source, spelled = Source(_text(fields["from"], where)), Spelling(_text(fields["spelled"], where))
    except ValueError as error:
        raise WorkloadError(f"{where}: {error}") from error
    if ("how" in fields) is not (spelled is Spelling.DIFFERENTLY):
        raise WorkloadError(f"{where}: `how` stands where a value is spelled differently, and only there")
    how = _text(fields["how"], where) if "how" in fields else ""
    return Value(_number(fields["step"], where, steps), _text(fields["at"], where), source, spelled, how)


def _joined(common: Json, own: Json) -> Json:
    joined = dict(common)
    for key, value in own.items():
        before = joined.get(key)
        both = isinstance(before, list) and isinstance(value, list)
        joined[key] = cast("list[object]", before) + cast("list[object]", value) if both else value
    return joined


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WorkloadError(f"{path.parent.name}/{path.name}: {error}") from error


def _object(value: object, where: str) -> Json:
    if not isinstance(value, dict):
        raise WorkloadError(f"{where}: expected an object, found {type(value).__name__}")
    return cast("Json", value)


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise WorkloadError(f"{where}: expected a list, found {type(value).__name__}")
    return cast("list[object]", value)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise WorkloadError(f"{where}: expected text, found {value!r}")
    return value


def _number(value: object, where: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise WorkloadError(f"{where}: expected a step from 1 to {most}, found {value!r}")
    return value


def _keys(value: object, where: str, required: set[str], optional: set[str] | None = None) -> Json:
    fields = _object(value, where)
    if missing := required - fields.keys():
        raise WorkloadError(f"{where}: missing {', '.join(sorted(missing))}")
    if unknown := fields.keys() - required - (optional or set()):
        raise WorkloadError(f"{where}: unknown {', '.join(sorted(unknown))}")
    return fields
