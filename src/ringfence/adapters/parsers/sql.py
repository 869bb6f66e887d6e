"""SQL read by sqlglot. It is loaded with the first text: half of the gateways never see one."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any, Final

from ringfence.ports.sql_reader import NotSql, SqlKind, SqlStatement

MOST_TEXT: Final = 100_000
MOST_STATEMENTS: Final = 200
MOST_NAMES: Final = 8
"""Objects that are told of one statement."""
MOST_PARTS: Final = 500
_IN_A_THREAD: Final = 2_000
"""Characters from which reading takes long enough to leave the event loop."""
_WRITES: Final = {"Insert": SqlKind.WRITE, "Merge": SqlKind.WRITE, "Copy": SqlKind.LOSES, "LoadData": SqlKind.WRITE}
_READS: Final = (
    "Select",
    "Union",
    "Except",
    "Intersect",
    "SetOperation",
    "Subquery",
    "Show",
    "Describe",
    "Values",
    "Table",
    "With",
)
_UNPARSED: Final = frozenset({"COMMAND", "EXECUTE", "FETCH", "RENAME", "SHOW"})
"""Tokens behind which the rest of a statement is not taken apart."""
_AROUND: Final = ("Transaction", "Commit", "Rollback", "Use", "Semicolon")
_READING_COMMANDS: Final = ("EXPLAIN", "SHOW", "DESC", "DESCRIBE", "FETCH", "CLOSE")
_PRAGMAS: Final = frozenset({
    "table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list",
    "foreign_key_check", "database_list",
    "integrity_check", "quick_check", "user_version", "schema_version", "page_count", "page_size", "compile_options",
    "collation_list", "function_list",
    "journal_mode", "encoding", "foreign_keys",
})  # fmt: skip
"""Pragmas that only tell, where they are not set."""
_UNSAFE_FUNCTIONS: Final = (
    "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "lo_import", "lo_export", "pg_terminate_backend",
    "pg_cancel_backend", "pg_reload_conf",
    "pg_rotate_logfile", "dblink", "dblink_exec", "load_file", "load_extension", "writefile", "readfile", "edit",
    "fts3_tokenizer", "sys_exec", "sys_eval",
    "xp_cmdshell", "pg_switch_wal", "pg_promote", "set_config", "setval", "nextval", "pg_stat_reset", "query_to_xml",
    "database_to_xml", "pg_advisory_lock",
)  # fmt: skip
"""Functions that do more than work out a value, though a SELECT calls them."""


class SqlglotReader:
    """`SqlReader`."""

    async def statements(self, text: str, dialect: str) -> Sequence[SqlStatement] | NotSql:
        """Every statement of a text."""
        if len(text) > MOST_TEXT:
            return NotSql("too long")
        # Loading it takes a fifth of a second.
        if len(text) > _IN_A_THREAD or not _sqlglot.cache_info().currsize:
            return await asyncio.to_thread(_statements, text, dialect)
        return _statements(text, dialect)


@cache
def _sqlglot() -> tuple[Any, Any, type[Exception]]:
    # It logs what it cannot parse, word for word: a statement may hold what is in the rows.
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL + 1)
    return (
        importlib.import_module("sqlglot"),
        importlib.import_module("sqlglot.expressions"),
        importlib.import_module("sqlglot.errors").SqlglotError,
    )


def _statements(text: str, dialect: str) -> Sequence[SqlStatement] | NotSql:
    if "/*!" in text or "/*M!" in text:
        return NotSql("a comment that MySQL runs")
    sqlglot, expressions, failure = _sqlglot()
    try:
        speech = sqlglot.Dialect.get_or_raise(dialect or None)
        tokens = speech.tokenize(text)
        trees = speech.parser().parse(tokens, text)
        words = _words(tokens, speech)
    except (failure, RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError, AssertionError) as error:
        return NotSql(str(error).partition("\n")[0], _words_anyway(text, dialect))
    trees = [tree for tree in trees if tree is not None]
    if len(trees) > MOST_STATEMENTS:
        return NotSql("too many statements")
    found: list[SqlStatement] = []
    for tree in trees:
        try:
            one = _statement(tree, expressions)
            parts = _parts(tree, expressions) if one is not None else ()
        except RecursionError:
            return NotSql("nested too deeply")
        if one is None:
            return NotSql(f"not known: {type(tree).__name__}", words)
        if len(parts) > MOST_PARTS:
            return NotSql("too many parts")
        found.append(replace(one, parts=tuple(part for part in parts if part != one.text)))
    # Which tokens are whose is not told, and a rule is about any of them.
    return [replace(one, words=words if number == 0 else "") for number, one in enumerate(found)]


def _words_anyway(text: str, dialect: str) -> str:
    """The words of a text that is no SQL as a whole, and may end in the middle of a text, a name or a comment."""
    sqlglot, _, failure = _sqlglot()
    speech = sqlglot.Dialect.get_or_raise(dialect or None)
    for closed in ("", "'", '"', "`", "*/", "]", "$$"):
        with suppress(failure, RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError, AssertionError):
            return _words(speech.tokenize(text + closed), speech)
    return ""


def _words(tokens: Sequence[Any], speech: Any) -> str:
    """Tokens as they stand, joined by one blank. What stands in quotes is no word."""
    kinds = ["", *(token.token_type.name for token in tokens)]
    said = [
        # What follows a command that it does not parse is one token, as if it were a text.
        _words(speech.tokenize(token.text), speech) if before in _UNPARSED and kind == "STRING" else _word(kind, token.text)
        for before, kind, token in zip(kinds, kinds[1:], tokens, strict=False)
    ]
    return " ".join(said)


def _word(kind: str, text: str) -> str:
    if kind == "STRING" or kind.endswith("_STRING"):
        return "''"
    return "?" if kind == "IDENTIFIER" and not text.replace("_", "").isalnum() else text


def _statement(tree: Any, known: Any) -> SqlStatement | None:
    kind = type(tree).__name__
    if kind == "Command":
        return _command(str(tree.this).upper(), str(tree.expression or ""))
    if kind == "Set":
        return SqlStatement(SqlKind.DEFINES if "ROLE" in str(tree).upper() else SqlKind.READ, "SET")
    if kind == "Pragma":
        is_asked = (
            type(tree.this).__name__ in ("Anonymous", "Column", "Identifier", "Var")
            and str(tree.this).lower().partition("(")[0] in _PRAGMAS
        )
        return SqlStatement(SqlKind.READ if is_asked else SqlKind.DEFINES, "PRAGMA")
    if kind in _AROUND:
        return SqlStatement(SqlKind.READ, kind.upper())
    worst = _worst(tree, known)
    if worst is not None:
        return worst
    if kind in _READS:
        return _of_functions(tree, known) or SqlStatement(SqlKind.READ, _named("SELECT", tree, known))
    return None


def _parts(tree: Any, known: Any) -> tuple[str, ...]:
    """Everything that it does, by kind and single objects."""
    found: dict[str, None] = {}
    for node in tree.walk():
        is_read = type(node).__name__ == "Select"
        one = SqlStatement(SqlKind.READ, _named("SELECT", node, known)) if is_read else _of_node(node, known)
        if one is None:
            continue
        found[one.text] = None
        names = _names(node, known)
        listed = f" {', '.join(names[:MOST_NAMES])}"
        for name in names if listed in one.text else ():
            found[one.text.replace(listed, f" {name}", 1)] = None
            if "." in name:
                found[one.text.replace(listed, f" {name.rpartition('.')[2]}", 1)] = None
            if len(found) > MOST_PARTS:
                return tuple(found)
    return tuple(found)


def _worst(tree: Any, known: Any) -> SqlStatement | None:
    """The worst that stands anywhere in it: a CTE may delete, a SELECT may write a table."""
    order = (SqlKind.GRANTS, SqlKind.LOSES, SqlKind.DEFINES, SqlKind.WRITE)
    found: list[SqlStatement] = []
    for node in tree.walk():
        one = _of_node(node, known)
        if one is not None:
            found.append(one)
    return min(found, key=lambda one: order.index(one.kind)) if found else None


def _of_node(node: Any, known: Any) -> SqlStatement | None:
    kind = type(node).__name__
    if kind == "Drop":
        return SqlStatement(SqlKind.LOSES, _named(f"DROP {node.args.get('kind') or ''}".strip(), node, known))
    if kind == "TruncateTable":
        return SqlStatement(SqlKind.LOSES, _named("TRUNCATE TABLE", node, known))
    if kind in ("Delete", "Update"):
        verb = "DELETE FROM" if kind == "Delete" else "UPDATE"
        has_where = _binds(node.args.get("where"), known)
        text = _named(verb, node, known) + (" SET" if kind == "Update" else "") + (" WHERE" if has_where else "")
        return SqlStatement(SqlKind.WRITE if has_where else SqlKind.LOSES, text)
    if kind in _WRITES:
        return SqlStatement(
            _WRITES[kind], _named({"Insert": "INSERT INTO", "LoadData": "LOAD DATA"}.get(kind, kind.upper()), node, known)
        )
    if kind == "Create":
        return SqlStatement(
            SqlKind.LOSES if node.args.get("replace") else SqlKind.DEFINES,
            _named(f"CREATE {node.args.get('kind') or ''}".strip(), node, known),
        )
    if kind == "Alter":
        loses = any(type(one).__name__ == "Drop" for one in node.walk() if one is not node)
        return SqlStatement(
            SqlKind.LOSES if loses else SqlKind.DEFINES, _named(f"ALTER {node.args.get('kind') or ''}".strip(), node, known)
        )
    if kind in ("Grant", "Revoke"):
        return SqlStatement(SqlKind.GRANTS, kind.upper())
    if kind == "Into" and node.args.get("this") is not None:
        return SqlStatement(SqlKind.DEFINES, "SELECT INTO")
    if kind in ("Attach", "Detach"):
        return SqlStatement(SqlKind.DEFINES, kind.upper())
    if kind in ("Kill", "Analyze", "Cache", "Uncache", "Refresh", "Comment"):
        return SqlStatement(SqlKind.DEFINES, kind.upper())
    return None


def _binds(where: Any, known: Any) -> bool:
    """Whether a WHERE can leave a row out: `WHERE 1 = 1` and `WHERE true` cannot."""
    return where is not None and any(type(node).__name__ == "Column" for node in where.walk())


def _of_functions(tree: Any, known: Any) -> SqlStatement | None:
    for node in tree.walk():
        if type(node).__name__ in ("Anonymous", "Func"):
            name = str(node.name or node.this).lower()
            if name in _UNSAFE_FUNCTIONS:
                return SqlStatement(SqlKind.LOSES, f"SELECT {name}()")
    return None


def _named(verb: str, tree: Any, known: Any) -> str:
    return f"{verb} {', '.join(_names(tree, known)[:MOST_NAMES])}".strip()[:300]


def _names(tree: Any, known: Any) -> list[str]:
    """Tables, with their schema where it is named. A name of several words is one word, lest it read as a statement."""
    tables = (table for table in tree.find_all(known.Table) if table.name)
    return list(dict.fromkeys("_".join(".".join(part.name for part in table.parts).split()) for table in tables))


def _command(verb: str, rest: str) -> SqlStatement | None:
    if verb == "EXPLAIN":
        text = rest.upper()
        # EXPLAIN ANALYZE runs the statement.
        if "ANALYZE" in text and any(
            word in text for word in ("DELETE", "UPDATE", "INSERT", "MERGE", "CREATE", "DROP", "TRUNCATE")
        ):
            return SqlStatement(SqlKind.LOSES, f"EXPLAIN {rest.strip()[:200]}")
        return SqlStatement(SqlKind.READ, "EXPLAIN")
    if verb in _READING_COMMANDS:
        return SqlStatement(SqlKind.READ, verb)
    if verb in ("VACUUM", "ANALYZE", "REINDEX", "CLUSTER", "CHECKPOINT", "REFRESH", "COMMENT", "LISTEN", "NOTIFY", "LOCK"):
        return SqlStatement(SqlKind.DEFINES, verb)
    if verb in ("GRANT", "REVOKE"):
        return SqlStatement(SqlKind.GRANTS, verb)
    if verb in ("DROP", "TRUNCATE", "ALTER", "CREATE", "COPY", "DELETE", "UPDATE"):
        return SqlStatement(SqlKind.LOSES, f"{verb} {rest.strip()[:200]}".strip())
    return None
