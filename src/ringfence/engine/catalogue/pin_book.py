"""Compares what a server lists with its pins, and takes the pins of what is seen for the first time.

INVARIANT: what is not judged `PINNED` against recorded pins is quarantined, whatever else went wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ringfence.core.definitions.pins import (
    BY_CONFIGURATION,
    BY_GATEWAY,
    Pin,
    PinKind,
    Sighting,
    Standing,
    as_configured,
    judge,
    why,
)
from ringfence.core.definitions.suspicion import hidden_in
from ringfence.core.definitions.uri_templates import likeness, likest
from ringfence.core.explaining.plain_text import plain
from ringfence.core.mcp.methods import COMPLETE, READ_RESOURCE
from ringfence.core.model.identifiers import Digest, Millis, ServerId, ToolId
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, PutPin, Unit
from ringfence.core.rules import Rules
from ringfence.engine.catalogue.sightings import Place, cleared, configured_pins, sightings_of, united
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store
from ringfence.ports.upstream import Described

logger = logging.getLogger(__name__)

NOT_COMPARED = "it has not been compared with its pin yet"
_AT_ONCE = 100
"""Pins in one unit of work."""
_BY_THE_LIST = frozenset({PinKind.PROMPT, PinKind.RESOURCE_TEMPLATE})
"""The operator names these as a whole, so what comes after the first listing is new."""
_ROUNDS = 4
"""How often a listing is compared again after pins were taken, or while somebody else records some."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One definition with what it is worth, and the newest pin of that name."""

    seen: Sighting
    standing: Standing
    pin: Pin | None
    """That of its own place where there is one, else the newest of another era."""

    @property
    def why(self) -> str:
        """Why it is quarantined; empty: it is not."""
        return why(self.standing, self.seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one listing of a server is worth."""

    rules: Rules
    """The configuration that it was judged under."""
    raw: Described
    parts: Mapping[Place, Judged] = field(default_factory=dict[Place, Judged])

    def quarantine(self, kind: PinKind, name: str) -> str:
        """Why a definition may not be used; empty: it may."""
        judged = self.parts.get((kind, name))
        return NOT_COMPARED if judged is None else judged.why

    def quarantine_of(self, method: str, params: Mapping[str, Any]) -> str:
        """Why what a method other than `tools/call` names may not be used; empty: it may, or the server lists no such thing.

        What is not listed is for the server to refuse.
        """
        ref: Any = params.get("ref") if method == COMPLETE else params
        if not isinstance(ref, Mapping):
            return ""
        name, uri = ref.get("name"), ref.get("uri")
        if method == READ_RESOURCE:
            return self.quarantine_of_uri(uri) if isinstance(uri, str) else ""
        place = (PinKind.RESOURCE_TEMPLATE, uri) if isinstance(uri, str) else (PinKind.PROMPT, str(name))
        return self.quarantine(*place) if place in self.parts else ""

    def quarantine_of_uri(self, uri: str) -> str:
        """Why a resource may not be read: it comes from a template that may not be used.

        Of several templates that it could come from, the one counts that says most of the URI; with two alike, the quarantined
        one. A resource that the server lists by itself comes from no template.
        """
        templates = [
            (name, part.why) for (kind, name), part in self.parts.items() if kind is PinKind.RESOURCE_TEMPLATE and name
        ]
        bad = likest((name for name, why in templates if why), uri)
        listed = next((item for item in united(self.raw).resources if item.get("uri") == uri), None)
        if listed is not None:
            return "it holds characters that a person does not see" if hidden_in(listed) else ""
        if bad < 0 or bad < likest((name for name, why in templates if not why), uri):
            return ""
        return next(why for name, why in templates if why and likeness(name, uri) == bad)

    def digest_of_tool(self, name: str) -> Digest:
        """The digest of a tool as listed; empty where it was not judged."""
        judged = self.parts.get((PinKind.TOOL, name))
        return judged.seen.digest if judged is not None else Digest("")

    @property
    def described(self) -> Described:
        """The listing without what is quarantined."""
        return cleared(self.raw, self.quarantine)

    @property
    def quarantined(self) -> frozenset[Place]:
        return frozenset(place for place, judged in self.parts.items() if judged.why)


class PinBook:
    """The pins of the store, beside what servers list."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def judge(self, server: ServerId, raw: Described, rules: Rules) -> Judgement:
        """What a listing is worth under these rules. Never raises for what the server said or the store does."""
        seen = tuple(sightings_of(server, raw, rules))
        parts = [Judged(each, Standing.UNRECORDED, None) for each in seen]
        try:
            for _ in range(_ROUNDS):
                parts = _compared(seen, await self._of(server), rules)
                firsts = [judged for judged in parts if judged.standing is Standing.TO_PIN]
                if not firsts:
                    break
                await self._take(firsts, rules)
        except UnavailableError as error:
            logger.error("the pins of server %s cannot be read or recorded: %s", server, error)
        final = (replace(part, standing=Standing.UNRECORDED) if part.standing is Standing.TO_PIN else part for part in parts)
        parts_by_place: dict[Place, Judged] = {}
        for part in final:
            place = (part.seen.kind, part.seen.name)
            # Of two readings of one definition the quarantined one counts: which of them a call gets is the server's choice.
            if place not in parts_by_place or (part.why and not parts_by_place[place].why):
                parts_by_place[place] = part
        return Judgement(rules=rules, raw=raw, parts=parts_by_place)

    async def moved(self, server: ServerId, identity: Digest) -> bool:
        """Whether a server is reached elsewhere than when it was last used; the new place is recorded.

        The operator's file says where, so nothing is quarantined for it. Raises: UnavailableError.
        """
        if not identity:
            return False
        known = [pin for pin in await self._of(server) if pin.kind is PinKind.IDENTITY]
        before = known[0].digest if known else None
        if before == identity:
            return False
        pin = Pin(
            server=server,
            kind=PinKind.IDENTITY,
            name="",
            era="",
            capabilities=Digest(""),
            digest=identity,
            definition=b"{}",
            by=BY_CONFIGURATION,
            at=self._clock.now(),
        )
        receipt = await self._store.record(Unit((pin_entry(pin, before),), (PutPin(pin, before),)))
        if not isinstance(receipt, Conflict):
            await receipt.durable()
        return before is not None

    async def _of(self, server: ServerId) -> list[Pin]:
        return [pin for pin in await self._store.pins() if pin.server == server]

    async def _take(self, firsts: Sequence[Judged], rules: Rules) -> None:
        """Record the pins of what is seen for the first time. What somebody else recorded meanwhile is left as it is."""
        named = configured_pins(rules, firsts[0].seen.server)
        for start in range(0, len(firsts), _AT_ONCE):
            changes: list[PutPin] = []
            for judged in firsts[start : start + _AT_ONCE]:
                configured = named.get((judged.seen.kind, judged.seen.name), frozenset())
                by = BY_CONFIGURATION if configured else BY_GATEWAY
                changes.append(PutPin(pin_of(judged.seen, by, self._clock.now(), configured), pinned_digest(judged)))
            entries = tuple(pin_entry(change.pin, change.expected) for change in changes)
            receipt = await self._store.record(Unit(entries, tuple(changes)))
            if isinstance(receipt, Conflict):
                return
            await receipt.durable()


def pin_of(seen: Sighting, by: str, at: Millis, configured: frozenset[Digest]) -> Pin:
    """The pin that says: exactly this may be used."""
    return Pin(
        server=seen.server,
        kind=seen.kind,
        name=seen.name,
        era=seen.era,
        capabilities=seen.capabilities,
        digest=seen.digest,
        definition=seen.definition,
        by=by,
        at=at,
        configured=as_configured(configured),
    )


def pinned_digest(judged: Judged) -> Digest | None:
    """The digest that is pinned at exactly the place of a sighting."""
    return judged.pin.digest if judged.pin is not None and judged.pin.id == judged.seen.id else None


def in_words(server: str, kind: PinKind, name: str) -> str:
    """A definition in words: `tool orders.get`, `prompt greet of docs`."""
    match kind:
        case PinKind.TOOL:
            return f"tool {server}.{plain(name)}"
        case PinKind.PROMPT | PinKind.RESOURCE_TEMPLATE if not name:
            return f"{kind.value.replace('_', ' ')}s of {server}"
        case PinKind.PROMPT | PinKind.RESOURCE_TEMPLATE:
            return f"{kind.value.replace('_', ' ')} {plain(name)} of {server}"
        case PinKind.INSTRUCTIONS | PinKind.IDENTITY:
            return f"{kind.value} of {server}"


def pin_entry(pin: Pin, before: Digest | None) -> Entry:
    """What the log says of a pin."""
    by_person = pin.by.startswith("operator:")
    return Entry(
        kind=EntryKind.CONTROL if by_person else EntryKind.GATEWAY,
        at=pin.at,
        summary=f"{'approved' if by_person else 'pinned'} {in_words(pin.server, pin.kind, pin.name)}",
        tool=ToolId(f"{pin.server}.{plain(pin.name)}") if pin.kind is PinKind.TOOL else None,
        decision="pin",
        by=pin.by if by_person else "gateway",
        body={
            "server": pin.server,
            "kind": pin.kind.value,
            "name": plain(pin.name, 200),
            "era": pin.era,
            "digest": pin.digest,
            "before": before,
            "because": pin.by,
        },
    )


def _compared(seen: Sequence[Sighting], pins: Iterable[Pin], rules: Rules) -> list[Judged]:
    known: dict[Place, list[Pin]] = {}
    for pin in pins:
        known.setdefault((pin.kind, pin.name), []).append(pin)
    named = configured_pins(rules, seen[0].server) if seen else {}
    return [_judged(each, known, named.get((each.kind, each.name), frozenset())) for each in seen]


def _judged(seen: Sighting, known: Mapping[Place, Sequence[Pin]], configured: frozenset[Digest]) -> Judged:
    mine = known.get((seen.kind, seen.name), ())
    added_later = bool(seen.name) and seen.kind in _BY_THE_LIST and (seen.kind, "") in known
    standing = judge(seen, mine, configured, may_take=not added_later)
    own = next((pin for pin in mine if pin.id == seen.id), None)
    return Judged(seen, standing, own or max(mine, key=lambda pin: pin.at, default=None))
