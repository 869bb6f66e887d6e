"""From what the operator lists to what Postgres is told: an allow-list of objects and privileges, every name quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ringfence.core.model.credential import DATABASE_NAME, DATABASE_OBJECT, MintedGrant
from ringfence.errors import ConfigError

_ON = re.compile(DATABASE_OBJECT)
_COLUMN = re.compile(DATABASE_NAME)


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One privilege on one thing; `column` is empty where it holds for all of them."""

    kind: str
    schema: str
    name: str
    privilege: str
    column: str = ""

    def __str__(self) -> str:
        column = f" ({self.column})" if self.column else ""
        return f"{self.privilege}{column} on {self.kind} {self.schema}{'.' if self.name else ''}{self.name}"


def quoted(name: str) -> str:
    """A name as SQL text that can mean nothing else."""
    if "\0" in name or not name:
        raise ConfigError("a name of the database is empty or holds a NUL character")
    return '"' + name.replace('"', '""') + '"'


def rights_of(grants: Iterable[MintedGrant]) -> frozenset[Right]:
    """Every right that the grants list. Raises ConfigError: something else than the allow-list knows."""
    found: set[Right] = set()
    for grant in grants:
        kind, schema, name = parsed(grant.on)
        if grant.fault:
            raise ConfigError(f"`{grant}`: {grant.fault}")
        if any(_COLUMN.fullmatch(column) is None for column in grant.columns):
            raise ConfigError(f"`{grant}`: not a column's name")
        found |= {Right(kind, schema, name, p, c) for p in grant.privileges for c in grant.columns or ("",)}
    if not found:
        raise ConfigError("nothing is granted")
    return frozenset(found)


def parsed(on: str) -> tuple[str, str, str]:
    """Kind, schema and name of `table sales.orders`. Names count as they are written. Raises ConfigError."""
    match = _ON.fullmatch(on)
    if match is None:
        raise ConfigError(f"`{on}` is not of the form `table NAME`, `sequence NAME` or `function NAME`")
    return match[1], match[2] or "public", match[3]


def grant_statements(rights: Iterable[Right], role: str) -> list[str]:
    """The GRANTs that give exactly these rights, with the use of the schemas that they lie in."""
    rights = sorted(rights)
    to = f"to {quoted(role)}"
    schemas = [f"grant usage on schema {quoted(schema)} {to}" for schema in sorted({right.schema for right in rights})]
    return schemas + [
        f"grant {right.privilege}{f' ({quoted(right.column)})' if right.column else ''}"
        f" on {right.kind} {quoted(right.schema)}.{quoted(right.name)} {to}"
        for right in rights
    ]
