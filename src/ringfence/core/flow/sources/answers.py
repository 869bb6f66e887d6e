"""The records of a result that a run was given. Pure.

Read from `structuredContent`, else from text that is JSON as a whole. A result that is neither, or larger than is looked at,
has no records and earns nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.core.model.condition import at_pointer, is_absent
from ringfence.core.model.provenance import Heard
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError

MOST_NODES: Final = 20_000
"""Objects and lists of one result that are looked at."""
MOST_TEXT: Final = 512 * 1024
"""Characters of one text that are parsed."""
_MOST_PARTS: Final = 500


@dataclass(frozen=True, slots=True)
class Record:
    """One object of a result."""

    pointer: str
    """Where it stands in the result."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Root:
    """One parsed value of a result."""

    pointer: str
    value: Any


def roots_of(heard: Heard) -> tuple[Root, ...]:
    """What can be parsed of a result: once."""
    known: tuple[Root, ...] | None = heard.memo.get("roots")
    if known is None:
        known = heard.memo["roots"] = _parsed(heard.value)
    return known


def is_parsed(heard: Heard) -> bool:
    """Whether somebody has asked for them before."""
    return "roots" in heard.memo


def _parsed(value: Any) -> tuple[Root, ...]:
    if not isinstance(value, Mapping):
        return ()
    result = cast("Mapping[str, Any]", value)
    if (structured := result.get("structuredContent")) is not None:
        return (Root("/structuredContent", structured),)
    found: list[Root] = []
    for place, text in enumerate(texts_of(result)):
        if len(text) <= MOST_TEXT and text.lstrip()[:1] in ("{", "["):
            try:
                found.append(Root(f"/content/{place}/text", parse_strict(text.encode())))
            except (RequestError, UnicodeEncodeError):
                continue
    return tuple(found)


def texts_of(result: Mapping[str, Any]) -> list[str]:
    """The texts of a result's blocks by their places; an empty one for a block that holds none."""
    content = result.get("content")
    if not isinstance(content, list):
        return []
    texts: list[str] = []
    for block in cast("list[Any]", content)[:_MOST_PARTS]:
        text = cast("Mapping[str, Any]", block).get("text") if isinstance(block, Mapping) else None
        texts.append(text if isinstance(text, str) else "")
    return texts


def records_of(heard: Heard, pointers: tuple[str, ...]) -> tuple[Record, ...] | None:
    """The outermost objects that have a field at one of the pointers, with those that lie in a list with one.

    None: the result has more than can be looked at.
    """
    key = f"records:{'|'.join(pointers)}"
    if key not in heard.memo:
        heard.memo[key] = _records(
            roots_of(heard), lambda fields: any(not is_absent(at_pointer(fields, one)) for one in pointers)
        )
    return heard.memo[key]


def _records(roots: tuple[Root, ...], is_record: Callable[[Mapping[str, Any]], bool]) -> tuple[Record, ...] | None:
    found: list[Record] = []
    waiting = deque(roots)
    seen = 0
    while waiting:
        root = waiting.popleft()
        seen += 1
        if seen > MOST_NODES:
            return None
        if isinstance(root.value, Mapping):
            fields = cast("Mapping[str, Any]", root.value)
            if is_record(fields):
                found.append(Record(root.pointer, fields))
            else:
                waiting.extend(
                    Root(f"{root.pointer}/{_escaped(name)}", inner)
                    for name, inner in fields.items()
                    if isinstance(inner, Mapping | list)
                )
        elif isinstance(root.value, list):
            items = cast("list[Any]", root.value)
            if len(items) > MOST_NODES:
                return None
            inner = [
                Root(f"{root.pointer}/{place}", item) for place, item in enumerate(items) if isinstance(item, Mapping | list)
            ]
            if any(isinstance(one.value, Mapping) and is_record(one.value) for one in inner):
                # What lies beside a record is one, though it lacks the field: an answer of two is not one of one.
                found.extend(Record(one.pointer, one.value) for one in inner if isinstance(one.value, Mapping))
                seen += len(inner)
            else:
                waiting.extend(inner)
    return tuple(found)


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
