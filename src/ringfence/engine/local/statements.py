"""SQL that a command runs: its statements drive what the command would do."""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.commands.describing import Said
from ringfence.core.commands.kinds import KINDS
from ringfence.core.commands.strictest import joined
from ringfence.core.model.local import Doubt, LocalAct, Undecided
from ringfence.ports.sql_reader import NotSql, SqlKind, SqlReader

_AS: dict[SqlKind, str] = {
    SqlKind.READ: "asks",
    SqlKind.WRITE: "changes",
    SqlKind.LOSES: "destroys",
    SqlKind.DEFINES: "changes",
    SqlKind.GRANTS: "grants",
}


async def with_statements(said: Said, sql: SqlReader) -> LocalAct:
    """The act with its statements, each by its kind and object, and the profile that they come to."""
    act = said.act
    statements: list[str] = []
    words: list[str] = []
    doubts = list(act.doubts)
    for text in said.sql:
        read = await sql.statements(text, said.dialect)
        if isinstance(read, NotSql):
            doubts.append(Doubt(Undecided.CODE, f"SQL that cannot be read: {read.why[:120]}"))
            act = replace(act, profile=joined(act.profile, KINDS["destroys"].profile))
            continue
        for one in read:
            statements += [one.text, *one.parts]
            words += [one.words] if one.words else []
            act = replace(act, profile=joined(act.profile, KINDS[_AS[one.kind]].profile))
    return replace(act, statements=tuple(dict.fromkeys(statements)), sql=tuple(words), doubts=tuple(dict.fromkeys(doubts)))
