"""Which names a part of a text may assign to, and whether it may go elsewhere. Read off the tree, without following it."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.shell.nodes import Node, below, child, children, kind, literal, plain, text

_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_TAKES_NAMES: Final = frozenset(
    {
        "read",
        "mapfile",
        "readarray",
        "getopts",
        "printf",
        "let",
        "unset",
        "export",
        "readonly",
        "local",
        "declare",
        "typeset",
        "wait",
        "builtin",
    }
)
_RUNS_TEXT: Final = frozenset({"eval", "source", "."})
_LEAVES: Final = frozenset({"return", "break", "continue"})


def assigned(node: Node) -> set[str] | None:
    """Names that a tree may assign to; None: any."""
    names: set[str] = set()
    for one in below(node):
        match kind(one):
            case "CallExpr":
                found = _of_call(one)
                if found is None:
                    return None
                names |= found
            case "DeclClause":
                names.update(literal(child(argument, "Name")) for argument in children(one, "Args"))
            case "WordIter":
                names.add(literal(child(one, "Name")))
            case "ParamExp":
                if text(child(one, "Exp"), "Op") in {"=", ":="}:
                    names.add(literal(child(one, "Param")))
            case "BinaryArithm" | "UnaryArithm":
                names |= _of_arithmetic(one)
            case _:
                pass
    return names - {""}


def leaves_early(node: Node) -> bool:
    """Whether it may end before its last command."""
    return any(kind(one) == "CallExpr" and _first(one) in _LEAVES for one in below(node))


def _first(call: Node) -> str | None:
    words = children(call, "Args")
    return plain(words[0]) if words else ""


def _of_call(call: Node) -> set[str] | None:
    names = {literal(child(one, "Name")) for one in children(call, "Assigns")}
    words = children(call, "Args")
    if not words:
        return names
    first = plain(words[0])
    if first in _RUNS_TEXT:
        return None
    # A name that is worked out may be any builtin.
    if first is None or first in _TAKES_NAMES:
        for word in words[1:]:
            for part in below(word):
                names.update(_NAME.findall(text(part, "Value")))
        names.add("REPLY")
        names.add("MAPFILE")
    return names


def _of_arithmetic(one: Node) -> set[str]:
    operator = text(one, "Op")
    if operator in {"++", "--"} or (operator.endswith("=") and operator not in {"==", "!=", "<=", ">="}):
        name = plain(child(one, "X"))
        return set() if name is None else {name}
    return set()
