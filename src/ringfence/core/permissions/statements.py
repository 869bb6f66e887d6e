"""Rules about SQL: `Bash(*DROP TABLE*)` means the statement, in whatever letters and however it reaches the database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ringfence.core.model.local import LocalAct
from ringfence.core.model.sql import SqlText
from ringfence.core.model.verdict import Level
from ringfence.core.permissions.globs import fits_text

VERBS: Final = (
    "ALTER", "CALL", "COPY", "CREATE", "DELETE", "DROP", "EXEC", "EXECUTE", "GRANT", "INSERT", "MERGE", "REPLACE",
    "REVOKE", "SELECT", "TRUNCATE",
    "UPDATE", "VACUUM", "ATTACH", "DETACH",
)  # fmt: skip
_ABOUT: Final = re.compile(rf"\*\s*(?:{'|'.join(VERBS)})(?:[ *]|$)")
_BLANKS: Final = re.compile(r"\s+")


@lru_cache(maxsize=4096)
def is_about_sql(pattern: str) -> bool:
    """Whether a command rule is about a statement: it begins with `*`, and then with one of SQL's verbs in capitals."""
    return _ABOUT.match(pattern) is not None


def runs(pattern: str, act: LocalAct) -> bool:
    """Whether one of the statements that a command runs is such a one."""
    return _is_named(pattern, act.statements) or _is_in_words(pattern, act.sql)


def level_of(pattern: str, level: Level, sql: SqlText) -> tuple[Level, str]:
    """What a rule of this level makes of a text in a call of a server's tool, and why. ALLOW: it does not fit."""
    if not sql.is_expected:
        # Words for people may read as a statement, so a person looks.
        in_words = _is_in_words(pattern, sql.words) or _begins_one(pattern, sql.begun)
        fits = in_words or (sql.text != "" and runs_in_text(pattern, sql.text))
        return (min(level, Level.ASK), f"`{sql.argument}` reads as such a statement") if fits else (Level.ALLOW, "")
    if _is_named(pattern, sql.statements) or _is_in_words(pattern, sql.words):
        return level, f"`{sql.argument}` runs {sql.statements[0] if sql.statements else 'such a statement'}"
    if _begins_one(pattern, sql.begun) or (sql.text and runs_in_text(pattern, sql.text)):
        return level, f"`{sql.argument}` has the words of such a statement"
    if sql.is_doubtful:
        return min(level, Level.ASK), f"nobody can tell which statements `{sql.argument}` runs ({sql.unread})"
    return Level.ALLOW, ""


# A comment without an end goes to the end: otherwise each beginning of many would be looked for once more.
_COMMENTS: Final = re.compile(r"'(?:[^']|'')*'|/\*(?!!).*?(?:\*/|\Z)|--[^\n]*", re.DOTALL)
_ODD: Final = re.compile(r"[\"`\\$#\[]|--|/\*")
_BLOCKS: Final = re.compile(r"/\*(?!!).*?(?:\*/|\Z)", re.DOTALL)
_LINES: Final = re.compile(r"(--|#)[^\n]*")
_MARKS: Final = re.compile(r"[\"`\[\]]|/\*!\d*|\*/")
_CLAUSES: Final = re.compile(r"\b(?:ON|FOR|FOR NO KEY|AFTER|BEFORE|OR|OF) (?:DELETE|UPDATE|INSERT|SELECT|TRUNCATE)\b")
"""`ON DELETE CASCADE`, `FOR UPDATE`: verbs that are no statement."""


def runs_in_text(pattern: str, sql: str) -> bool:
    """Whether a text of SQL has the words of such a statement outside of its texts and comments.

    For what nobody could parse, or what databases read differently: a rule rather fits too much than too little.
    """
    wanted = _words_of(pattern)
    texts = [_COMMENTS.sub(lambda found: "''" if found[0].startswith("'") else " ", sql)]
    if _ODD.search(sql):
        # Where a text or a comment ends is another matter in each dialect: what may be outside counts as outside.
        texts += [sql, _BLOCKS.sub(" ", sql), _LINES.sub(" ", sql)]
    lines = {_BLANKS.sub(" ", _MARKS.sub("", text)).upper() for text in texts}
    return any(_stands_in(wanted, line) for line in lines)


def _is_named(pattern: str, statements: Iterable[str]) -> bool:
    wanted = _BLANKS.sub(" ", pattern).upper()
    return any(
        fits_text(wanted, text) or fits_text(f"*{wanted.strip('* ')}*", text) for one in statements for text in _said(one)
    )


def _is_in_words(pattern: str, words: Iterable[str]) -> bool:
    wanted = _words_of(pattern)
    return any(_stands_in(wanted, _CLAUSES.sub("", _BLANKS.sub(" ", line.upper()))) for line in words)


def _begins_one(pattern: str, words: Iterable[str]) -> bool:
    """Whether a statement begins so."""
    wanted = _words_of(pattern)
    parts = (part.strip() for line in words for part in re.split(r"[;()]", _BLANKS.sub(" ", line.upper())))
    return any(fits_text(f"{wanted}*", part) for part in parts)


def _words_of(pattern: str) -> str:
    return _BLANKS.sub(" ", pattern).upper().strip("* ")


def _stands_in(wanted: str, line: str) -> bool:
    parts = {part.strip() for part in re.split(r"[;()]", line)}
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
        case "MERGE":
            said.append(f"MERGE INTO {rest.removeprefix('INTO ')} USING ?")
        case "SELECT":
            said.append(f"SELECT * FROM {rest} WHERE ?")
        case "TRUNCATE":
            said.append(f"TRUNCATE TABLE {rest.removeprefix('TABLE ')}")
        case "DROP" | "CREATE" | "ALTER":
            kind, _, name = rest.partition(" ")
            said.append(f"{verb} {kind} IF EXISTS {name}")
        case _:
            pass
    return tuple(said)
