"""Which paths the client itself is to refuse to read.

The hook decides every use of a tool; but a file that a prompt mentions with `@` is read without one, and only a rule of
the client's own stops that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ringfence.core.model.local_rules import LocalRules
from ringfence.core.model.permissions import PermissionLists, PermissionRule, Speaks

SECRET: Final = (
    "**/.env", "**/.env.local", "**/.env.*.local", "**/.env.development", "**/.env.staging", "**/.env.production",
    "**/.env.test",
    "**/.envrc", "**/*.pem", "**/*.key", "**/*.p12", "**/*.pfx", "**/*.jks", "**/*.keystore", "**/*.kdbx",
    "**/id_rsa", "**/id_dsa", "**/id_ecdsa", "**/id_ed25519", "**/.netrc", "**/.pgpass", "**/.git-credentials",
    "**/.vault-token", "**/.htpasswd", "**/.pypirc",
    "~/.ssh/**", "~/.aws/**", "~/.azure/**", "~/.config/gcloud/**", "~/.kube/**", "~/.docker/config.json", "~/.gnupg/**",
    "~/.config/gh/hosts.yml", "~/.config/op/**", "~/.password-store/**", "~/.local/share/keyrings/**",
    "~/.mozilla/**", "~/.config/google-chrome/**", "~/.config/chromium/**", "~/.claude/.credentials.json", "~/.codex/auth.json",
    "//proc/*/environ", "//proc/*/mem", "//etc/shadow", "//etc/gshadow",
)  # fmt: skip
"""Files that hold secrets wherever they lie, in the client's syntax."""


def read_denies(lists: PermissionLists | None, local: LocalRules | None, *, own: Iterable[str] = ()) -> tuple[str, ...]:
    """Patterns for `Read(...)`: what holds secrets anyway, what an agent's lists deny, and `own`: whole paths."""
    listed = tuple(
        _pattern(rule) for rule in (lists.deny if lists else ()) if rule.speaks is Speaks.PATH and rule.tool == "Read"
    )
    secret = local.secrets.deny if local is not None else ()
    return tuple(dict.fromkeys((*SECRET, *secret, *listed, *(f"/{path}" for path in own))))


def _pattern(rule: PermissionRule) -> str:
    """A rule's path as managed settings have to say it: one `/` at its beginning is not the project there."""
    if rule.pattern.startswith("/") and not rule.pattern.startswith("//"):
        return f"/{rule.anchor.rstrip('/')}{rule.pattern}" if rule.anchor else f".{rule.pattern}"
    return rule.pattern
