"""Which one narrow credential a tool's calls carry, without its value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ringfence.core.model.assumed_role import AssumedRole

DATABASE_NAME: Final = r"[A-Za-z_][A-Za-z0-9_$]{0,62}"
GRANTABLE: Final = {
    "table": frozenset({"select", "insert", "update", "delete"}),
    "sequence": frozenset({"usage", "select", "update"}),
    "function": frozenset({"execute"}),
}
"""What may be granted on what; nothing else can be asked for."""
BY_COLUMN: Final = frozenset({"select", "insert", "update"})
DATABASE_OBJECT: Final = rf"(table|sequence|function) (?:({DATABASE_NAME})\.)?({DATABASE_NAME})"


class Place(StrEnum):
    """How a credential reaches the server."""

    HEADER = "header"
    """Of the requests of this one call, over HTTP."""
    ENV = "env"
    """Of a process that serves no other tool, over stdio."""
    ARGUMENT = "argument"
    """One that agents neither see nor set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MintedGrant:
    """Something that a minted credential may do."""

    on: str
    """`table NAME`, `sequence NAME` or `function NAME`; a name may have its schema before it."""
    privileges: tuple[str, ...]
    columns: tuple[str, ...] = ()
    """Only these; empty: all of them."""

    @property
    def fault(self) -> str:
        """Why it cannot be granted; empty: it can."""
        kind = self.on.partition(" ")[0]
        possible = GRANTABLE.get(kind, frozenset())
        if unknown := sorted(set(self.privileges) - possible):
            return f"`{', '.join(unknown)}` cannot be granted on a {kind}: possible are {', '.join(sorted(possible))}"
        if not self.privileges:
            return "nothing is granted"
        if self.columns and (kind != "table" or not BY_COLUMN.issuperset(self.privileges)):
            return "columns go with select, insert and update on a table"
        return ""

    def __str__(self) -> str:
        columns = f" ({', '.join(self.columns)})" if self.columns else ""
        return f"{', '.join(self.privileges)} on {self.on}{columns}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Minting:
    """What is made for one call and gone after it: either `grants` in a database, or a `role` in AWS."""

    minter: str
    grants: tuple[MintedGrant, ...] = ()
    role: AssumedRole | None = None
    lifetime_s: float
    statement_s: float = 0
    """How long one statement may take."""
    margin_s: float = 0
    """What is handed over lasts at least this long."""
    value: str = "dsn"
    """Which of the minted values is handed over."""
    variables: tuple[tuple[str, str], ...] = ()
    """Instead of one value under the credential's name: a variable for each of several values, by their names."""

    @property
    def label(self) -> str:
        if self.role is None:
            return "; ".join(str(grant) for grant in self.grants)
        return f"{self.role.arn} with policy {self.role.fingerprint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCredential:
    """Either `reference` or `minting` is given."""

    place: Place
    name: str
    """Of the header, the variable or the argument."""
    reference: str = ""
    """Where the secret is found: `env:NAME` and the like."""
    folder: str = ""
    """What a relative path in `reference` starts from."""
    minting: Minting | None = None
    environments: tuple[str, ...] = ("",)
    """Its label and that of its minter: each counts. Empty text: none."""

    @property
    def label(self) -> str:
        """What people and the log read of it: never its value."""
        if self.minting is None:
            return self.reference
        return f"minted by {self.minting.minter}: {self.minting.label}"

    @property
    def placeholder(self) -> str:
        """What stands for the value wherever the call is decided, approved and recorded."""
        return f"(credential {self.label})"
