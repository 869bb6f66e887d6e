"""Credentials that were written into a file, told from ordinary values."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:^|[^a-z])(?:pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|credentials?|auth|authorization|bearer|cookie|pat|dsn)(?:$|[^a-z])"
    r"|(?:api|access|private|signing|encryption|service|secret|account)[_-]?key|^key$",
    re.IGNORECASE,
)
_SHAPE = re.compile(
    r"(?i:bearer|basic)\s+\S{8,}|-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeoprs]-[\w-]{8,}|\bA(?:KI|SI)A[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"
)
_RANDOM = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9+=_-]{32,}")


def looks_like_credential(name: str, value: str) -> bool:
    """Whether a literal under this name is probably a credential. Errs towards yes; an empty value is none."""
    if not value or re.fullmatch(r"\$\{[^}]*\}", value):
        return False
    camel = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(_NAME.search(camel) or _SHAPE.search(value) or _RANDOM.fullmatch(value))
