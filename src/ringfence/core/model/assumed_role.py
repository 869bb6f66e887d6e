"""Which role a tool's calls assume in AWS, and how the session policy of each is built from its arguments."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ROLE_ARN: Final = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]{1,500}"
SHORTEST_S: Final = 900
LONGEST_S: Final = 3600
"""What STS gives at least, and what is asked for at most."""


class Allowed(StrEnum):
    """Characters that mean more than themselves in a policy or an ARN, and may come from an argument all the same."""

    WILDCARDS = "wildcards"
    """`*` and `?`: then an agent can ask for more than one thing."""
    VARIABLES = "variables"
    """`$`: policy variables such as `${aws:username}`."""
    SLASHES = "slashes"
    """`/`: the value may lead into another folder."""
    COLONS = "colons"
    """`:`: the value may hold several fields of an ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyArgument:
    """One argument of the call that the policy's `<name>` stands for."""

    name: str
    pointer: str
    """A JSON pointer into the arguments."""
    allowed: tuple[Allowed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedRole:
    """One role, narrowed for each call by a session policy."""

    arn: str
    policy: str
    """The template, as JSON text; `<name>` in a text below `Resource` or `Condition` stands for an argument."""
    arguments: tuple[PolicyArgument, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Twelve digits that change with the template, and with what its arguments may hold."""
        told = json.dumps([self.policy, [[one.name, one.pointer, *sorted(one.allowed)] for one in self.arguments]])
        return hashlib.sha256(told.encode()).hexdigest()[:12]
