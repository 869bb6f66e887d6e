"""`SqlReader` that knows a statement by its first words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfence.ports.sql_reader import NotSql, SqlKind, SqlStatement

_FIRST: Final = {
    "SELECT": SqlKind.READ,
    "INSERT": SqlKind.WRITE,
    "UPDATE": SqlKind.LOSES,
    "DELETE": SqlKind.LOSES,
    "DROP": SqlKind.LOSES,
    "TRUNCATE": SqlKind.LOSES,
    "CREATE": SqlKind.DEFINES,
    "GRANT": SqlKind.GRANTS,
}


class FakeSqlReader:
    """Statements are cut at each semicolon; one with a WHERE loses nothing."""

    async def statements(self, text: str, dialect: str) -> Sequence[SqlStatement] | NotSql:
        found: list[SqlStatement] = []
        for statement in filter(None, map(str.strip, text.split(";"))):
            words = statement.upper().split()
            kind = _FIRST.get(words[0])
            if kind is None:
                return NotSql("it begins with no verb that is known")
            if words[0] in ("UPDATE", "DELETE") and "WHERE" in words:
                kind = SqlKind.WRITE
            found.append(SqlStatement(kind, " ".join(statement.split()), words="" if found else " ".join(text.split())))
        return found
