"""Walking a JSON value: its texts, where they stand, and the same value with some of them replaced. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeGuard, cast

_LEAST = 4
"""Shorter texts hold nothing that any rule looks for."""
_BLOCKS = frozenset({"content", "contents", "messages"})
"""Where MCP puts blocks, which may be binary: `CallToolResult`, `ReadResourceResult`, `GetPromptResult`, sampling messages."""
_PLAIN = frozenset({str, int, float, bool, type(None)})
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,40}")


def texts_of(value: Any, binary: list[str] | None = None) -> list[str]:
    """Every text and key of a value, but for what is too short and for binary data in blocks. Each at least once.

    Binary data is added to `binary`.
    """
    found: list[str] = []
    keys: set[str] = set()
    stack: list[Any] = [value]
    blocks: list[Any] = []
    if type(value) is dict:
        known = cast("dict[str, Any]", value)
        blocks = [item for key, item in known.items() if key in _BLOCKS]
        stack = [{key: item for key, item in known.items() if key not in _BLOCKS}]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            known = cast("dict[str, Any]", item)
            keys.update(known)
            inner = known.values()
        elif isinstance(item, list | tuple):
            inner = cast("list[Any]", item)
        elif isinstance(item, Mapping):
            stack.append(dict(cast("Mapping[str, Any]", item)))
            continue
        else:
            inner = (item,)
        for part in inner:
            kind = type(part)
            if kind is str:
                if len(part) >= _LEAST:
                    found.append(part)
            elif kind is dict or kind is list or kind is tuple:
                stack.append(part)
            elif isinstance(part, Mapping):
                stack.append(dict(cast("Mapping[str, Any]", part)))
        if not stack and blocks:
            stack, blocks = [_without_binary(block, binary) for block in blocks], []
    found += [key for key in keys if len(key) >= _LEAST]
    return found


class Place:
    """Where something stands, written as a JSON pointer only when somebody asks: most places are never told of."""

    __slots__ = ("_above", "_step")

    def __init__(self, above: Place | None, step: str) -> None:
        self._above = above
        self._step = step

    def __str__(self) -> str:
        steps: list[str] = []
        place: Place | None = self
        while place is not None:
            steps.append(place._step)
            place = place._above
        return "/".join(reversed(steps))


def places_of(value: Any, texts: Collection[str], at: str) -> Iterator[tuple[str, Place]]:
    """Where these texts stand: each with its place, a JSON pointer below `at`.

    A key is shown where it is a plain name and not itself one of the texts; any other, and a key that is found, is `*`: what
    goes into the log holds nothing of what was found.
    """
    stack: list[tuple[Any, Place]] = [(value, Place(None, at))]
    while stack:
        item, place = stack.pop()
        if type(item) is not list and isinstance(item, Mapping):
            for key, inner in cast("Mapping[str, Any]", item).items():
                found = key in texts
                if found:
                    yield key, Place(place, "*")
                if _may_hold(inner, texts):
                    stack.append((inner, Place(place, key if not found and _NAME.fullmatch(key) else "*")))
        elif isinstance(item, list | tuple):
            for index, inner in enumerate(cast("list[Any]", item)):
                if _may_hold(inner, texts):
                    stack.append((inner, Place(place, str(index))))
        elif isinstance(item, str) and item in texts:
            yield item, place


def _may_hold(item: Any, texts: Collection[str]) -> bool:
    """Whether it is one of the texts, or something that others can stand in."""
    kind = type(item)
    if kind is str:
        return item in texts
    # Exact types first: asking an abstract class costs ten times as much, and there may be a million values.
    return kind is list or kind is dict or (kind not in _PLAIN and isinstance(item, list | tuple | Mapping))


def replaced(value: Any, texts: Mapping[str, str]) -> Any:
    """The value with these texts, and these keys, replaced. Keys that become the same are numbered, so that nothing is lost."""
    kind = type(value)
    if kind is str:
        return texts.get(value, value)
    if kind is list:
        return [replaced(item, texts) for item in value]
    if kind not in _PLAIN and isinstance(value, Mapping):
        result: dict[str, Any] = {}
        numbers: dict[str, int] = {}
        for key, item in cast("Mapping[str, Any]", value).items():
            shown = name = texts.get(key, key)
            while shown in result:
                # Counted on from the last one: thousands of keys that become the same must not cost their square.
                numbers[name] = numbers.get(name, 1) + 1
                shown = f"{name} {numbers[name]}"
            result[shown] = replaced(item, texts)
        return result
    if kind is tuple:
        return [replaced(item, texts) for item in value]
    return value


def _without_binary(blocks: Any, binary: list[str] | None) -> Any:
    """Blocks without their base64 data."""
    if type(blocks) is list:
        return [_without_binary(block, binary) for block in cast("list[Any]", blocks)]
    if type(blocks) is not dict:
        return blocks
    block = cast("dict[str, Any]", blocks)
    if block.get("type") in ("image", "audio"):
        return _without(block, "data", binary)
    if "blob" in block:
        return _without(block, "blob", binary)
    if type(block.get("resource")) is dict or type(block.get("content")) in (dict, list):
        return {key: _without_binary(item, binary) if key in ("resource", "content") else item for key, item in block.items()}
    return block


def _without(block: dict[str, Any], name: str, binary: list[str] | None) -> dict[str, Any]:
    item = block.get(name)
    if not is_encoded(item):
        return block
    if binary is not None:
        binary.append(item)
    return {key: inner for key, inner in block.items() if key != name}


def is_encoded(value: Any) -> TypeGuard[str]:
    """Whether a text may be base64: no words, no markup. Cheaper than reading the alphabet, and as good here."""
    return isinstance(value, str) and value.isascii() and not any(sign in value for sign in " \t\r\n<[")
