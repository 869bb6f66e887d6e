"""Which paths the client itself is to refuse to read.

The hook decides every use of a tool; but a file that a prompt mentions with `@` is read without one, and only a rule of
the client's own stops that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ringfence.core.model.local_rules import LocalRules
from ringfence.core.model.permissions import PermissionLists, PermissionRule, Speaks
from ringfence.core.permissions.secret_paths import SECRET

_NARROWER: Final = {
    # The client's rules know no exceptions, and `.env.example` is there to be read.
    ".env.*": (".env.local", ".env.*.local", ".env.development", ".env.staging", ".env.production", ".env.test"),
    # Of whoever runs as root it is the home.
    "//root/**": (),
}
"""What stands in the place of a pattern that has exceptions."""


def read_denies(lists: PermissionLists | None, local: LocalRules | None, *, own: Iterable[str] = ()) -> tuple[str, ...]:
    """Patterns for `Read(...)`: what holds secrets anyway, what an agent's lists deny, and `own`: whole paths."""
    known = [each for pattern in SECRET for each in _NARROWER.get(pattern, (pattern,))]
    none = local.secrets.allow if local is not None else ()
    secret = [pattern for pattern in known if pattern not in none] + list(local.secrets.deny if local is not None else ())
    listed = [_pattern(rule) for rule in (lists.deny if lists else ()) if rule.speaks is Speaks.PATH and rule.tool == "Read"]
    return tuple(dict.fromkeys((*(_anywhere(each) for each in secret), *listed, *(f"/{path}" for path in own))))


def _anywhere(pattern: str) -> str:
    """A pattern that counts at any depth, of the whole machine and not of the project alone."""
    if pattern.startswith(("/", "~")):
        return pattern
    return f"//**/{pattern.removeprefix('**/')}"


def _pattern(rule: PermissionRule) -> str:
    """A rule's path as managed settings have to say it: one `/` at its beginning is not the project there."""
    if rule.pattern.startswith("/") and not rule.pattern.startswith("//"):
        return f"/{rule.anchor.rstrip('/')}{rule.pattern}" if rule.anchor else f".{rule.pattern}"
    return rule.pattern
