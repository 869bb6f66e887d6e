"""Rules about SQL: `Bash(*DROP TABLE*)` means the statement, in whatever letters and however it reaches the database."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ringfence.core.model.local import LocalAct
from ringfence.core.permissions.globs import fits_text

_VERBS: Final = (
    "ALTER", "CALL", "COPY", "CREATE", "DELETE", "DROP", "EXEC", "EXECUTE", "GRANT", "INSERT", "MERGE", "REPLACE",
    "REVOKE", "SELECT", "TRUNCATE",
    "UPDATE", "VACUUM", "ATTACH", "DETACH",
)  # fmt: skip
_ABOUT: Final = re.compile(rf"\*\s*(?:{'|'.join(_VERBS)})(?:[ *]|$)")
_BLANKS: Final = re.compile(r"\s+")


@lru_cache(maxsize=4096)
def is_about_sql(pattern: str) -> bool:
    """Whether a command rule is about a statement: it begins with `*`, and then with one of SQL's verbs in capitals."""
    return _ABOUT.match(pattern) is not None


def runs(pattern: str, act: LocalAct) -> bool:
    """Whether one of the statements that a command runs is such a one."""
    wanted = _BLANKS.sub(" ", pattern).upper()
    return any(
        fits_text(wanted, text) or fits_text(f"*{wanted.strip('* ')}*", text) for one in act.statements for text in _said(one)
    )


def _said(statement: str) -> tuple[str, ...]:
    """A statement as a rule may name it. What follows its kind and object is not in it, so it is assumed to follow."""
    text = _BLANKS.sub(" ", statement.upper()).strip()
    verb, _, rest = text.partition(" ")
    said = [text, f"{text} ?", f" {text} "]
    match verb:
        case "UPDATE":
            said.append(f"{text} SET ?")
        case "DELETE":
            said.append(f"DELETE FROM {rest.removeprefix('FROM ')} WHERE ?")
        case "INSERT":
            said.append(f"INSERT INTO {rest.removeprefix('INTO ')} VALUES ?")
        case "TRUNCATE":
            said.append(f"TRUNCATE TABLE {rest.removeprefix('TABLE ')}")
        case "DROP" | "CREATE" | "ALTER":
            kind, _, name = rest.partition(" ")
            said.append(f"{verb} {kind} IF EXISTS {name}")
        case _:
            pass
    return tuple(said)
