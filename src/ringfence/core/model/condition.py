"""Comparisons on one argument of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any


class Operation(StrEnum):
    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison on an argument. An absent argument or another type never holds, so the stricter profile stays."""

    pointer: str
    operation: Operation
    operand: str | int | float | bool | tuple[str | int | float | bool, ...]


_ABSENT: Any = object()


@lru_cache(maxsize=4096)
def _parts(pointer: str) -> tuple[str, ...]:
    """Pointers come from the configuration, so there are few of them."""
    return tuple(raw.replace("~1", "/").replace("~0", "~") for raw in pointer.split("/")[1:])


def at_pointer(value: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901) or the marker that `is_absent` knows."""
    for part in _parts(pointer):
        if (type(value) is dict or isinstance(value, Mapping)) and part in value:
            value = value[part]
        elif (
            isinstance(value, list) and part.isascii() and part.isdigit() and str(int(part)) == part and int(part) < len(value)
        ):
            value = value[int(part)]
        else:
            return _ABSENT
    return value


def is_absent(value: Any) -> bool:
    return value is _ABSENT


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


def holds(condition: Condition, arguments: Mapping[str, Any]) -> bool:
    """Whether an argument satisfies a condition; types must agree, so `"5" <= 10` is false."""
    value = at_pointer(arguments, condition.pointer)
    operand = condition.operand
    if value is _ABSENT or isinstance(value, list | dict) or value is None:
        return False
    if isinstance(operand, tuple):
        same = [item for item in operand if _kind(item) == _kind(value)]
        return condition.operation is Operation.IN and value in same
    if _kind(value) != _kind(operand):
        return False
    match condition.operation:
        case Operation.EQ:
            return bool(value == operand)
        case Operation.NE:
            return bool(value != operand)
        case Operation.IN:
            return False
        case Operation.LT | Operation.LE | Operation.GT | Operation.GE if _kind(value) != "number":
            return False
        case Operation.LT:
            return bool(value < operand)
        case Operation.LE:
            return bool(value <= operand)
        case Operation.GT:
            return bool(value > operand)
        case Operation.GE:
            return bool(value >= operand)
