"""What a plain scalar may mean. YAML 1.1 and 1.2 disagree about `no`, `010` and `12:30:00`; here each is refused by name."""

from __future__ import annotations

import re
from typing import Final

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_DURATION = re.compile(r"([1-9][0-9]{0,6})(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false"})
# Everything that some YAML reader turns into a number, a date or a sexagesimal count.
_NUMBER_LIKE = re.compile(
    r"[-+]?(?:0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9_]+(?:[eE][+-]?[0-9]+)?"
    r"|\.inf|\.nan|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?",
    re.IGNORECASE,
)


def surprising(text: str) -> str:
    """What some YAML reader takes a plain scalar for, if not text: empty where every reader sees text."""
    if text == "" or text.lower() in {"null", "~"}:
        return "nothing"
    if text.lower() in _WORDS:
        return "true or false"
    if ":" in text and _NUMBER_LIKE.fullmatch(text):
        return "a count or a time"
    if _NUMBER_LIKE.fullmatch(text):
        return "a date" if text.count("-") >= 2 else "a number"
    return ""


def as_integer(text: str) -> int | None:
    """A decimal integer without leading zeros, underscores or a plus sign."""
    return int(text) if _INTEGER.fullmatch(text) else None


def as_number(text: str) -> int | float | None:
    """A number as JSON writes it, or None. Never infinite."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _FLOAT.fullmatch(text):
        return None
    value = float(text)
    return value if value not in (float("inf"), float("-inf")) else None


def as_seconds(text: str) -> int | None:
    """A duration such as `45s`, `15m`, `1h` or `7d`, in seconds."""
    match = _DURATION.fullmatch(text)
    return int(match[1]) * _SECONDS[match[2]] if match else None


def seconds_text(seconds: int) -> str:
    """The shortest duration that `as_seconds` reads back."""
    for unit in ("d", "h", "m"):
        if seconds >= _SECONDS[unit] and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"
