"""What a tool can do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.condition import Condition
from ringfence.core.model.identifiers import ToolId


class Effect(StrEnum):
    READ = "read"
    WRITE = "write"


class Sensitivity(StrEnum):
    """Confidentiality of what a tool reads, in rising order."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    REGULATED = "regulated"


class Trust(StrEnum):
    """Integrity of what a tool returns."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


class Role(StrEnum):
    """What an authority argument decides."""

    TARGET = "target"
    """Whom or where to: a recipient, user, account, phone, channel, host, URL, repository, queue."""
    SELECTOR = "selector"
    """Which one: an id, path, file name, record key, version, date or period."""
    MAGNITUDE = "magnitude"
    """How much: an amount, quantity, limit, duration, count."""
    CONTROL = "control"
    """As what, or how far: a permission, role, visibility, scope, force, verdict, state, schedule."""
    COMMAND = "command"
    """What is run: shell text, SQL, code, a template."""


@dataclass(frozen=True, slots=True)
class Authority:
    """One argument that carries authority."""

    pointer: str
    """JSON pointer of the argument; everything below it belongs to it, and `*` stands for every item of an array."""
    role: Role


@dataclass(frozen=True, slots=True)
class Lookup:
    """A trusted lookup: fields of its records are believed when it was reached by keys that are."""

    keys: tuple[str, ...]
    """JSON pointers of the arguments that reach a record."""
    fields: tuple[str, ...]
    """JSON pointers of the fields that are believed, within each record."""
    unique: bool = True
    """An answer with several records says nothing."""


@dataclass(frozen=True, slots=True)
class Records:
    """What a server says of its records: what people call one, and what the server itself calls it."""

    names: tuple[str, ...]
    """JSON pointers, within a record, of what people name it by."""
    ids: tuple[str, ...]
    """JSON pointers, within a record, of fields that the server itself assigns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProfile:
    """What a tool can do. Every default is the worst: what nobody described is not trusted."""

    effect: Effect = Effect.WRITE
    reversible: bool = False
    inverse: ToolId | None = None
    """The tool that undoes it, where there is one."""
    bounded: bool = False
    """One call changes a small, known amount of state."""
    costs_money: bool = True
    identity: bool = True
    """Touches accounts, roles, keys or permissions."""
    outbound: bool = True
    """Reaches somebody outside the organisation."""
    sensitivity: Sensitivity = Sensitivity.REGULATED
    trust: Trust = Trust.UNTRUSTED
    authority: tuple[Authority, ...] | None = None
    """The arguments that carry authority (recipient, amount, host). None: nobody looked, so it is inferred from the schema."""
    clearance: Sensitivity | None = None
    """A sink's: the highest confidentiality that may go there without a person. None: nobody has said."""
    lookup: Lookup | None = None
    records: Records | None = None
    said_as: tuple[str, ...] = ()
    """Words and phrases, one of which people say who ask for what it does. Empty: nobody has said."""
    sanitiser: bool = False
    """Its results hold numbers, truths, enumerated words, dates and ids only, by its output schema: they carry no sentence."""
    memory: bool = False
    """What is written to it comes back in what is read from it."""
    secret: tuple[str, ...] = ()
    """JSON pointers of the arguments whose value never enters an entry, a card or a log."""
    objects: tuple[str, ...] = ()
    """JSON pointers of the arguments that name the object touched, for `audit touched`."""
    quorum: int = 1
    """How many distinct operators a gate of this tool needs."""
    worst: str = ""
    """One sentence: the worst that one call can do. Shown on the card."""


WORST_PROFILE = ToolProfile()
OWN_PROFILE = ToolProfile(
    effect=Effect.WRITE,
    reversible=True,
    bounded=True,
    costs_money=False,
    identity=False,
    outbound=False,
    sensitivity=Sensitivity.INTERNAL,
    trust=Trust.TRUSTED,
    authority=(),
)
"""What the gateway's own tools have in common. Each says what it does besides, and why no argument of it carries authority."""


@dataclass(frozen=True, slots=True)
class ConditionalProfile:
    """The profile that applies when every condition holds."""

    conditions: tuple[Condition, ...]
    profile: ToolProfile
    text: str
    """The conditions as the operator wrote them."""
