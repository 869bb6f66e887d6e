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


_COMMENTS: Final = re.compile(r"'(?:[^']|'')*'|/\*(?!!).*?\*/|--[^\n]*", re.DOTALL)
_ODD: Final = re.compile(r"[\"`\\$#\[]|--|/\*")
_BLOCKS: Final = re.compile(r"/\*(?!!).*?\*/", re.DOTALL)
_LINES: Final = re.compile(r"(--|#)[^\n]*")
_MARKS: Final = re.compile(r"[\"`\[\]]|/\*!\d*|\*/")
SQL_ARGUMENTS: Final = frozenset({"sql", "query", "queries", "statement", "statements", "ddl", "dml", "script"})


def runs_in_text(pattern: str, sql: str) -> bool:
    """Whether a text of SQL has the words of such a statement outside of its texts and comments.

    Nothing is parsed: a tool of a server may speak any dialect, so a rule rather fits too much than too little.
    """
    wanted = _BLANKS.sub(" ", pattern).upper().strip("* ")
    texts = [_COMMENTS.sub(lambda found: "''" if found[0].startswith("'") else " ", sql)]
    if _ODD.search(sql):
        # Where a text or a comment ends is another matter in each dialect: what may be outside counts as outside.
        texts += [sql, _BLOCKS.sub(" ", sql), _LINES.sub(" ", sql)]
    lines = {_BLANKS.sub(" ", _MARKS.sub("", text)).upper() for text in texts}
    parts = {part.strip() for line in lines for part in re.split(r"[;()]", line)}
    return any(fits_text(f"{wanted}*", part) or fits_text(f"* {wanted}*", part) for part in parts)


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
