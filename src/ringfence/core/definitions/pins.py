"""Pins: the definition of a tool, prompt or resource template that may be used, and what a server's newest listing is worth.

A pin holds for one (server, kind, name) as seen in one era with one set of declared capabilities: the same server shows
different fields in different eras (MCP 2025-11-25, 2026-07-28). Digests are over RFC 8785 canonical JSON of the whole
definition as parsed, without Unicode normalisation: one changed byte is another definition. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.core.definitions.suspicion import hidden_in
from ringfence.core.model.identifiers import Digest, Millis, ServerId
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError

DEFINITION_LIMIT = 128 * 1024
"""Bytes of one canonical definition. A longer one is never used: nobody could read the difference."""
BY_GATEWAY, BY_CONFIGURATION = "gateway", "configuration"


class PinKind(StrEnum):
    TOOL = "tool"
    PROMPT = "prompt"
    """With the empty name: that the server's prompts as a whole have been seen, so that a later one counts as new."""
    RESOURCE_TEMPLATE = "resource_template"
    """Named by its `uriTemplate`; with the empty name as for prompts."""
    INSTRUCTIONS = "instructions"
    IDENTITY = "identity"
    """Where the server is reached: command and arguments, or URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What may be used, by whose word."""

    server: ServerId
    kind: PinKind
    name: str
    era: str
    capabilities: Digest
    """Of the capabilities that the server declared beside it."""
    digest: Digest
    definition: bytes
    """The canonical bytes that `digest` is of, for showing what changed."""
    by: str
    """`gateway` (taken at first sight), `configuration` (its `pin` names the digest) or `operator:NAME`."""
    at: Millis
    configured: str = ""
    """What the configuration's `pin` said when this was recorded: only a changed word in the file counts again."""

    @property
    def id(self) -> str:
        """The place of this pin: one for each server, kind, name, era and set of capabilities."""
        return place_of(self.server, self.kind, self.name, self.era, self.capabilities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One definition as a server has just listed it."""

    server: ServerId
    kind: PinKind
    name: str
    era: str
    capabilities: Digest
    digest: Digest
    definition: bytes
    hidden: tuple[str, ...] = ()
    """Characters in it that a person does not see."""
    fault: str = ""
    """Why it can never be used, whoever approves it; empty for most."""

    @property
    def id(self) -> str:
        return place_of(self.server, self.kind, self.name, self.era, self.capabilities)


class Standing(StrEnum):
    """What a sighting is worth. Everything but `PINNED` is quarantined."""

    PINNED = "pinned"
    TO_PIN = "to_pin"
    """Seen for the first time, and the operator's configuration names it: the pin is taken now."""
    CHANGED = "changed"
    OTHER_ERA = "other_era"
    """Pinned only in another era or beside other capabilities."""
    NEW = "new"
    """It came after the others of its kind were pinned."""
    POISONED = "poisoned"
    """It holds characters that a person does not see, and no person has approved it."""
    UNUSABLE = "unusable"
    UNRECORDED = "unrecorded"
    """Its pin cannot be read or recorded."""


def place_of(server: str, kind: PinKind, name: str, era: str, capabilities: str) -> str:
    """The id of a pin: a canonical JSON array, so no choice of names can make two places one."""
    return canonical_bytes([server, kind.value, name, era, capabilities]).decode()


def sighting(
    server: ServerId,
    kind: PinKind,
    name: str,
    definition: Mapping[str, Any],
    *,
    era: str,
    capabilities: Digest,
    fault: str = "",
) -> Sighting:
    """A definition with its digest and what is hidden in it. Never raises."""
    try:
        encoded = canonical_bytes(definition)
    except RequestError as error:
        encoded, fault = b"{}", f"its definition has no canonical form: {error}"
    digest = Digest(hashlib.sha256(encoded).hexdigest())
    if len(encoded) > DEFINITION_LIMIT:
        fault, encoded = f"its definition is {len(encoded)} bytes long, more than {DEFINITION_LIMIT}", b"{}"
    hidden = () if fault else hidden_in(definition)
    return Sighting(
        server=server,
        kind=kind,
        name=name,
        era=era,
        capabilities=capabilities,
        digest=digest,
        definition=encoded,
        hidden=hidden,
        fault=fault,
    )


def judge(seen: Sighting, known: Collection[Pin], configured: frozenset[Digest], *, may_take: bool) -> Standing:
    """What a sighting is worth against the pins of its server, kind and name, in any era.

    `configured` has the digests that the operator's file names for it; `may_take` says that a definition without any pin is
    seen for the first time rather than added later.
    """
    own = next((pin for pin in known if pin.id == seen.id), None)
    if seen.fault:
        return Standing.UNUSABLE
    if seen.hidden:
        approved = own is not None and own.digest == seen.digest and own.by.startswith("operator:")
        return Standing.PINNED if approved else Standing.POISONED
    if configured and not any(pin.configured == as_configured(configured) for pin in known):
        return Standing.TO_PIN if configured == frozenset({seen.digest}) else Standing.CHANGED
    if own is not None:
        return Standing.PINNED if own.digest == seen.digest else Standing.CHANGED
    if known:
        return Standing.OTHER_ERA
    return Standing.TO_PIN if may_take else Standing.NEW


def as_configured(digests: frozenset[Digest]) -> str:
    """The digests of the configuration as a pin remembers them."""
    return ",".join(sorted(digests))


def why(standing: Standing, seen: Sighting) -> str:
    """Why a sighting is quarantined, for operators; empty where it is not."""
    what = "its definition" if seen.kind is not PinKind.INSTRUCTIONS else "what it tells the model"
    match standing:
        case Standing.PINNED | Standing.TO_PIN:
            return ""
        case Standing.CHANGED:
            return f"{what} is not the one that was pinned"
        case Standing.OTHER_ERA:
            return f"it was pinned in another era or beside other capabilities, not as the server shows it now ({seen.era})"
        case Standing.NEW:
            return "it came after the others were pinned, and nobody has approved it"
        case Standing.POISONED:
            return f"{what} holds characters that a person does not see ({', '.join(seen.hidden[:5])})"
        case Standing.UNUSABLE:
            return seen.fault
        case Standing.UNRECORDED:
            return "its pin cannot be read or recorded at the moment"
