"""Which rule has a request. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ringfence.core.model.egress import EgressRule, PathRule

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ALL: Final = "/*"


def rule_for(rules: Iterable[EgressRule], host: str, port: int) -> EgressRule | None:
    """Exact, host and port. The first one: configuration refuses two of the same."""
    return next((rule for rule in rules if rule.host == host and rule.port == port), None)


def path_rule_for(rule: EgressRule, method: str, path: str, *, websocket: bool = False) -> PathRule | None:
    """The first of the rule's paths that has this request. `path` as `core.egress.request` has judged it."""
    return next((each for each in rule.paths if has(each, method, path, websocket=websocket)), None)


def has(rule: PathRule, method: str, path: str, *, websocket: bool = False) -> bool:
    """Whether a path rule has the request.

    A path with percent escapes may be read in two ways upstream. That is without consequence where the rule has all paths, or
    exactly this text; below a prefix it could lead out of it, and is refused.
    """
    if method not in rule.methods or (websocket and not rule.websocket):
        return False
    if rule.path in (ALL, path):
        return True
    return "%" not in path and rule.path.endswith("/*") and path.startswith(rule.path[:-1])


def method_class(method: str) -> str:
    """`read` or `write`: what a grant is for."""
    return "read" if method in _READS else "write"
