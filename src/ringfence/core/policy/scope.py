"""What a policy's head and conditions reach, read from its syntax tree: which tools, which fields, which names.

`matches` is exact for action and resource, since each call has exactly one of both: a policy outside a tool's shard could not
have matched any call of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from cedarpy import pst

Path = tuple[str, ...]
WHOLE: Path = ()
"""All arguments at once."""


def matches(policy: pst.Template, tool: str, server: str) -> bool:
    """Whether the head of a policy can hold for a call of a tool."""
    own, above = {("Tool", tool)}, {("Tool", tool), ("Server", server)}
    return _action(policy.action, tool, server) and _resource(policy.resource, own, above)


def _action(head: pst.ActionConstraint, tool: str, server: str) -> bool:
    match head:
        case pst.ScopeAny():
            return True
        case pst.ActionEq(entity=entity):
            return _key(entity) == ("Action", tool)
        case pst.ActionIn(entities=entities):
            return any(_key(entity) in (("Action", tool), ("Action", server)) for entity in entities)


def _resource(head: pst.PrincipalOrResourceConstraint, own: set[Path], above: set[Path]) -> bool:
    match head:
        case pst.ScopeAny():
            return True
        case pst.ScopeEq(entity=entity):
            return _key(entity) in own
        case pst.ScopeIn(entity=entity):
            return _key(entity) in above
        case pst.ScopeIs(entity_type=kind):
            return str(kind) == "Tool"
        case pst.ScopeIsIn(entity_type=kind, entity=entity):
            return str(kind) == "Tool" and _key(entity) in above


def _key(entity: pst.EntityOrSlot) -> Path:
    return (str(entity.type), entity.id) if isinstance(entity, pst.EntityUid) else ("", "")


def arguments_read(policy: pst.Template) -> frozenset[Path]:
    """The paths below `context.arguments` that the conditions speak of; `WHOLE` where they take it as a whole."""
    return frozenset(path[1:] for path in _context_paths(policy) if not path or path[0] == "arguments")


def context_read(policy: pst.Template) -> frozenset[Path]:
    """Every path below `context` that the conditions speak of; `WHOLE` where they take it as a whole."""
    return frozenset(_context_paths(policy))


def tested_elsewhere(policy: pst.Template) -> list[str]:
    """Tests with `has` for what is always there, or never: outside the arguments both are mistakes."""
    found: list[str] = []
    for node in _nodes(policy.clauses):
        if isinstance(node, pst.HasAttr):
            path = _path_of(node.base)
            whole = (*path, *node.attrs) if path is not None else None
            if whole is None or (whole[:2] != ("context", "arguments") or len(whole) < 3):
                found.append(".".join(whole or node.attrs))
    return found


def _context_paths(policy: pst.Template) -> Iterator[Path]:
    """Every use of `context`, as the longest path that is read; no path stands for the whole context."""
    stack: list[Any] = [clause.expr for clause in policy.clauses]
    while stack:
        node = stack.pop()
        if isinstance(node, pst.HasAttr | pst.GetAttr | pst.Var):
            path = _path_of(node)
            if path is not None:
                if path[0] == "context":
                    yield path[1:]
                continue
        stack.extend(_children(node))


def _path_of(node: Any) -> Path | None:
    """`context.a.b` as names; None where the base is something else."""
    names: list[str] = []
    while True:
        match node:
            case pst.GetAttr(base=base, attr=attr):
                names.append(attr)
                node = base
            case pst.HasAttr(base=base, attrs=attrs):
                names.extend(reversed(attrs))
                node = base
            case pst.Var(name=name):
                return (name, *reversed(names))
            case _:
                return None


def _nodes(root: Any) -> Iterator[Any]:
    stack = [root]
    while stack:
        node = stack.pop()
        if is_dataclass(node):
            yield node
        stack.extend(_children(node))


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    if isinstance(node, tuple):
        return list(node)
    return [getattr(node, part.name) for part in fields(node)] if is_dataclass(node) else []
