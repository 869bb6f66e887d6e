"""SQL in calls of servers' tools is read before they are decided, where a rule of the agent's lists is about statements.

Which database stands behind a tool is not known, so a text that databases read differently is read as each of them would.
"""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.model.agent import Agent
from ringfence.core.model.call import Call
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.model.sql import SqlText
from ringfence.core.model.tool import Tool
from ringfence.core.permissions.sql_texts import MOST_CHARACTERS, MOST_TEXTS, Candidate, candidates_of, speak_of_sql, unread
from ringfence.engine.waiting.turns import Turns
from ringfence.ports.sql_reader import NotSql, SqlReader

_DIALECTS: Final = ("", "postgres", "mysql", "sqlite", "tsql", "oracle", "snowflake", "bigquery")
_DIFFERENT: Final = re.compile(r"[\"`\\$#\[]|--|//|/\*|''|\b[a-zA-Z]'")
"""Where a text, a name or a comment ends is another matter in each dialect."""
_NOBODYS: Final = re.compile(r"/\*[!+M]|/\*(?:(?!\*/).)*?/\*", re.DOTALL)
"""What no dialect here reads as its database does: comments that run, comments in comments."""
_MINUSES: Final = re.compile(r"--(?=\S)")
"""For MySQL no comment begins here. The reader's dialect of it does not know."""


class SqlTexts:
    """Reads them. Without a reader each is one that nobody can read."""

    def __init__(self, reader: SqlReader | None = None) -> None:
        self._reader = reader
        self._turns = Turns()
        self._known: dict[AgentId, tuple[PermissionLists, bool]] = {}

    def are_asked_for(self, agent: Agent) -> bool:
        """Whether a rule of an agent's lists is about statements."""
        lists = agent.permissions
        if lists is None:
            return False
        known = self._known.get(agent.id)
        if known is None or known[0] is not lists:
            known = self._known[agent.id] = lists, speak_of_sql(lists)
        return known[1]

    async def of(self, call: Call, tool: Tool) -> tuple[SqlText, ...]:
        """What a call's arguments hold of SQL; one call of a run at a time."""
        candidates = candidates_of(call, tool)
        if not candidates:
            return ()
        found: list[SqlText] = []
        left = MOST_CHARACTERS
        async with self._turns.of(call.run):
            for number, one in enumerate(candidates):
                left -= len(one.text)
                is_within = number < MOST_TEXTS and left >= 0
                found.append(await self._read(one) if is_within else unread(one, "more than is read"))
        return tuple(found)

    async def _read(self, one: Candidate) -> SqlText:
        if self._reader is None:
            return unread(one, "nobody reads SQL here")
        statements: dict[str, None] = {}
        words: dict[str, None] = {}
        begun: dict[str, None] = {}
        why = ""
        is_read = False
        for dialect in _DIALECTS:
            text = _MINUSES.sub("- -", one.text) if dialect == "mysql" else one.text
            read = await self._reader.statements(text, dialect)
            if isinstance(read, NotSql):
                why = why or read.why
                begun |= dict.fromkeys([read.words] if read.words else [])
                continue
            is_read = True
            statements |= dict.fromkeys(text for each in read for text in (each.text, *each.parts))
            words |= dict.fromkeys(each.words for each in read if each.words)
            if not _DIFFERENT.search(one.text):
                break
        if not is_read:
            return unread(one, why)
        return SqlText(
            argument=one.argument,
            is_expected=one.is_expected,
            statements=tuple(statements),
            words=tuple(words),
            begun=tuple(begun),
            text=one.text if _NOBODYS.search(one.text) else "",
        )
