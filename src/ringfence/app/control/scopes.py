"""The forms in which people name what a stop reaches. Pure.

{"kind": "tool", "target": "payments.refund", "agent": "support"}
"agent" beside "target": "support"
{"run": "r_..."}   {"tool": "payments.refund", "agent": "support"}   "everything"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.app.control.shape import nearest
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.stop import Scope, ScopeKind
from ringfence.errors import RequestError

_KINDS = tuple(kind.value for kind in ScopeKind)
_MOST = 200


def scope_of(body: Mapping[str, Any]) -> Scope:
    """The scope in a body's `scope`, `target` and `agent`. Raises: RequestError for anything that could be read two ways."""
    given = body.get("scope")
    if given is None:
        raise RequestError("`scope` is missing", remedy=f"what to stop: {', '.join(_KINDS)}")
    if isinstance(given, str):
        return _scope(given, body.get("target", ""), body.get("agent"))
    if "target" in body or "agent" in body:
        raise RequestError("`scope` is an object, so `target` and `agent` belong inside it")
    if "kind" in given:
        _only(given, ("kind", "target", "agent"))
        return _scope(given["kind"], given.get("target", ""), given.get("agent"))
    return _short(given)


def _short(given: Mapping[str, Any]) -> Scope:
    _only(given, _KINDS)
    if set(given) == {"tool", "agent"}:
        return _scope("tool", given["tool"], given["agent"])
    if len(given) != 1:
        raise RequestError("`scope` names not exactly one thing", remedy='such as {"run": "r_..."}')
    ((kind, target),) = given.items()
    return _scope(kind, "" if kind == "everything" and target is True else target, None)


def _scope(kind: Any, target: Any, agent: Any) -> Scope:
    if kind not in _KINDS:
        raise RequestError("unknown kind of scope", remedy=nearest(str(kind), _KINDS))
    if not isinstance(target, str) or len(target) > _MOST:
        raise RequestError("the target of a scope is a name")
    if agent is not None and (not isinstance(agent, str) or len(agent) > _MOST):
        raise RequestError("`agent` is a name")
    found = ScopeKind(kind)
    if (found is ScopeKind.EVERYTHING) == bool(target):
        raise RequestError("everything has no target" if target else f"which {kind}? `target` is missing")
    if agent is not None and found is not ScopeKind.TOOL:
        raise RequestError("only a tool can be stopped for one agent", remedy=f'to stop the agent: {{"agent": "{agent[:40]}"}}')
    return Scope(found, target, AgentId(agent) if agent else None)


def _only(given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise RequestError("unknown key in `scope`", remedy=nearest(str(key), known))
