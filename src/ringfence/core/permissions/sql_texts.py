"""Which texts of a call of a server's tool are SQL, or may be. Pure: nothing is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.core.model.call import Call
from ringfence.core.model.permissions import PermissionLists, PermissionRule, Speaks
from ringfence.core.model.profile import Authority, Role
from ringfence.core.model.sql import SqlText
from ringfence.core.model.tool import Tool
from ringfence.core.permissions.statements import VERBS, is_about_sql

MOST_TEXTS: Final = 20
MOST_CHARACTERS: Final = 20_000
"""Of all texts of one call that are read. It takes some fifty milliseconds beside the event loop, for each way to read them."""
_SURE: Final = frozenset({"sql", "statement", "statements", "ddl", "dml", "sql_query", "sqlquery", "sql_statement", "raw_sql"})
_LIKELY: Final = frozenset({"query", "queries", "script"})
"""A search has a `query` as well, so one that begins like no statement is none."""
_BEGINNINGS: Final = (
    *VERBS, "ANALYZE", "BEGIN", "COMMENT", "DECLARE", "DO", "EXPLAIN", "FROM", "HANDLER", "IMPORT", "LOAD", "LOCK", "PRAGMA",
    "PREPARE", "REINDEX", "RENAME", "SET", "SHOW", "START", "USE", "VALUES", "WITH",
)  # fmt: skip
_BEGINS: Final = re.compile(
    rf"(?:\s|\(|;|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*(?![!+M])(?:[^*]|\*(?!/))*\*/)*+(?:/\*[!+M]|(?:{'|'.join(_BEGINNINGS)})\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text."""

    argument: str
    text: str
    is_expected: bool
    is_sure: bool
    """It is SQL even where nobody can read it."""


def is_statement_rule(rule: PermissionRule) -> bool:
    """Whether a deny or ask rule is about SQL, for tools of servers too."""
    is_told = rule.speaks in (Speaks.COMMAND, Speaks.STATEMENT) or (
        rule.speaks is Speaks.PARAMETER and rule.tool.startswith("mcp__")
    )
    return is_told and is_about_sql(rule.pattern)


def speak_of_sql(lists: PermissionLists) -> bool:
    """Whether anything has to be known of the SQL in calls of servers' tools."""
    return any(is_statement_rule(rule) for rule in (*lists.deny, *lists.ask))


def candidates_of(call: Call, tool: Tool) -> list[Candidate]:
    """Of a call, by the profile that it has."""
    profile = tool.profile_for(call.value)
    return list(sql_candidates(call.value, profile.authority if profile.authority is not None else tool.inferred))


def unread(one: Candidate, why: str) -> SqlText:
    """A text that nobody can read, or nobody has. One that is too long is not searched for words either: that asks."""
    is_long = len(one.text) > MOST_CHARACTERS
    return SqlText(
        argument=one.argument,
        is_expected=one.is_expected,
        unread=why[:120],
        is_doubtful=one.is_sure or is_long,
        text="" if is_long else one.text,
    )


def sql_candidates(arguments: Mapping[str, Any], authorities: tuple[Authority, ...]) -> Iterator[Candidate]:
    """By the name of an argument, by the role that the tool's profile gives it, or because it begins like a statement."""
    roles = [tuple(one.pointer.split("/")[1:]) for one in authorities if one.role is Role.COMMAND]
    left: list[tuple[tuple[str, ...], str, Any]] = [((name,), name, item) for name, item in arguments.items()][::-1]
    while left:
        way, name, item = left.pop()
        if isinstance(item, Mapping):
            known = cast("Mapping[str, Any]", item)
            left += [((*way, key), key, each) for key, each in known.items()][::-1]
        elif isinstance(item, list):
            left += [((*way, "*"), name, each) for each in cast("list[Any]", item)][::-1]
        elif isinstance(item, str) and (candidate := _candidate(way, name.lower(), item, roles)) is not None:
            yield candidate


def _candidate(way: tuple[str, ...], name: str, text: str, roles: list[tuple[str, ...]]) -> Candidate | None:
    if not text.strip():
        return None
    begins = _BEGINS.match(text) is not None
    if name in _SURE:
        return Candidate(way[0], text, is_expected=True, is_sure=True)
    if name in _LIKELY or any(_is_at(role, way) for role in roles):
        return Candidate(way[0], text, is_expected=True, is_sure=begins)
    return Candidate(way[0], text, is_expected=False, is_sure=False) if begins else None


def _is_at(role: tuple[str, ...], way: tuple[str, ...]) -> bool:
    return len(role) <= len(way) and all(part in ("*", each) for part, each in zip(role, way, strict=False))
