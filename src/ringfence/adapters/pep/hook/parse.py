"""Bytes of an event to a value. Pure, and strict wherever an answer can hold something up.

What tools have brought is text from anywhere, and a client may have cut it in the middle of a character: such an event is read
with what cannot be written as JSON replaced, since refusing it would only lose the chance to look at it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, cast

from ringfence.core.strict_json.canonical import JsonLimits, check_values, parse_strict
from ringfence.errors import RequestError

LIMITS: Final = JsonLimits(string_bytes=16 << 20, nul=False)
_TOLD: Final = frozenset({"PostToolUse", "PostToolUseFailure", "PostToolBatch", "Stop", "SubagentStop", "SessionEnd"})
"""Events that tell of what is over."""
_LARGEST: Final = 2**53 - 1
_REPLACEMENT: Final = "\ufffd"


def parsed(body: bytes) -> Mapping[str, Any]:
    """One JSON object. Raises RequestError."""
    # Nothing else goes on while a text is parsed: what is read more leniently is still held to its number of values.
    check_values(body, LIMITS.values)
    try:
        found = parse_strict(body, LIMITS)
    except RequestError as strict:
        found = _leniently(body)
        name = cast("dict[str, Any]", found).get("hook_event_name") if isinstance(found, dict) else None
        if not isinstance(name, str) or name not in _TOLD:
            raise strict from None
    if not isinstance(found, dict):
        raise RequestError("an event is an object")
    return cast("Mapping[str, Any]", found)


def _leniently(body: bytes) -> Any:
    try:
        return _mended(json.loads(body, object_pairs_hook=_once, parse_constant=_never))
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _never(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\x00", _REPLACEMENT)
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {str(_mended(key)): _mended(each) for key, each in items}
    if isinstance(value, list):
        return [_mended(each) for each in cast("list[Any]", value)]
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return str(value)
    return value
