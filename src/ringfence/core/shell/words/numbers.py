"""Arithmetic of numbers that are known. Everything else is some number."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ringfence.core.shell.nodes import Node, child, kind, plain, text

_DECIMAL: Final = re.compile(r"0|[1-9]\d{0,17}")
_MOST: Final = 2**63
_DEEP: Final = 30
_OPERATORS: Final[dict[str, Callable[[int, int], int]]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "==": lambda one, other: int(one == other),
    "!=": lambda one, other: int(one != other),
    "<": lambda one, other: int(one < other),
    ">": lambda one, other: int(one > other),
    "<=": lambda one, other: int(one <= other),
    ">=": lambda one, other: int(one >= other),
}


def worked_out(node: Node, depth: int = 0) -> int | None:
    """The number that an expression comes to, where it consists of nothing but numbers."""
    if depth > _DEEP:
        return None
    match kind(node):
        case "Word":
            number = plain(node)
            return int(number) if number is not None and _DECIMAL.fullmatch(number) else None
        case "ParenArithm":
            return worked_out(child(node, "X"), depth + 1)
        case "UnaryArithm" if text(node, "Op") in {"-", "+"}:
            inner = worked_out(child(node, "X"), depth + 1)
            return None if inner is None else -inner if text(node, "Op") == "-" else inner
        case "BinaryArithm":
            operator = _OPERATORS.get(text(node, "Op"))
            one = worked_out(child(node, "X"), depth + 1)
            other = worked_out(child(node, "Y"), depth + 1)
            if operator is None or one is None or other is None:
                return None
            made = operator(one, other)
            return made if -_MOST <= made < _MOST else None
        case _:
            return None
