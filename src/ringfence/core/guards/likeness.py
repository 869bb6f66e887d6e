"""What stays of a value when its counters, times and versions are taken out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ringfence.core.model.profile import ToolProfile
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError

_MARKS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?:0x)?[0-9a-f]{12,}|[0-9]+", re.IGNORECASE)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ][0-9:.]{5,}(?:Z|[+-]\d\d:?\d\d)?)?")


def likeness_of(arguments: Mapping[str, Any], profile: ToolProfile) -> str:
    """A digest that is the same for arguments which differ in counters, times and versions alone.

    What names an object of the call, or carries authority, stays as it is: another order is another call. Where the operator
    has not said which arguments do, whole numbers and ids stay, and only what stands within a text, or is a moment, is taken
    out.
    """
    named = (*profile.objects, *(one.pointer for one in profile.authority or ()))
    return _digest(_plain(arguments, "", tuple(named), is_declared=profile.authority is not None))


def words_likeness(value: Any) -> str:
    """The same of words: every counter in them is taken out."""
    return _digest(_plain(value, "", (), is_declared=True))


def _digest(value: Any) -> str:
    try:
        return hashlib.sha256(canonical_bytes(value)).hexdigest()
    except RequestError:
        return ""


def _plain(value: Any, pointer: str, named: tuple[str, ...], *, is_declared: bool) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _plain(item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", named, is_declared=is_declared)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item, f"{pointer}/{place}", named, is_declared=is_declared) for place, item in enumerate(value)]
    if isinstance(value, bool) or value is None or _is_named(pointer, named):
        return value
    if isinstance(value, int | float):
        return 0 if is_declared else value
    if not isinstance(value, str):
        return value
    if is_declared or " " in value.strip():
        return _MARKS.sub("", value)
    return "" if _MOMENT.fullmatch(value) else value


def _is_named(pointer: str, named: Iterable[str]) -> bool:
    """Whether a value stands at one of these pointers or below it; `*` stands for every item of an array."""
    parts = pointer.split("/")
    for one in named:
        wanted = one.split("/")
        if len(wanted) <= len(parts) and all(want in (part, "*") for want, part in zip(wanted, parts, strict=False)):
            return True
    return False
