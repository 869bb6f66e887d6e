"""A person with a role."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.identifiers import Millis, OperatorName


class Role(StrEnum):
    """What an operator may do; each includes the one before."""

    VIEWER = "viewer"
    APPROVER = "approver"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A person with a role."""

    name: OperatorName
    role: Role
    credential_hash: str
    """SHA-256 of a 256-bit random credential."""
    uid: int | None = None
    """The local user whose unix-socket peer this is, where one is bound."""
    added_at: Millis = 0
    removed: bool = False
    groups: tuple[str, ...] = ()
    """Groups of approvers besides those that name them: what an issuer's word gives."""
    shown: str = ""
    """How people know somebody whose name is an issuer's subject: the e-mail address that the issuer states."""

    @property
    def label(self) -> str:
        """For people: the name, and what it is known by."""
        return f"{self.shown} ({self.name})" if self.shown else self.name
