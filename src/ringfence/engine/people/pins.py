"""Pins, as people see them: what is pinned, what a server shows instead, the exact difference, and their approval.

Also what follows from a quarantine: tickets of the tool are withdrawn, people are told, the log says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from ringfence.core.approvals.differences import Difference, differences
from ringfence.core.definitions.pins import Pin, PinKind, Sighting, Standing
from ringfence.core.definitions.suspicion import text_findings
from ringfence.core.explaining.plain_text import plain
from ringfence.core.mcp.methods import is_method
from ringfence.core.model.identifiers import ServerId, ToolId
from ringfence.core.model.operator import Operator, Role
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, PutPin, Unit
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import Catalogue, Drift
from ringfence.engine.catalogue.pin_book import Judged, in_words, pin_entry, pin_of, pinned_digest
from ringfence.engine.catalogue.sightings import Place, configured_pins
from ringfence.engine.people.approvals import LIVE, Approvals
from ringfence.engine.runs.runs import NotDone
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

logger = logging.getLogger(__name__)

MOST_DIFFERENCES = 2000
"""Values that differ, in what one person can be expected to judge. More cannot be approved."""
MOST_NAMED = 200
"""Definitions named in one entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinState:
    """One definition: what is pinned, what is listed."""

    server: ServerId
    kind: PinKind
    name: str
    tools: tuple[ToolId, ...]
    """The configured tools that stand on it."""
    pin: Pin | None
    """What is pinned for it, newest first in another era."""
    seen: Sighting | None
    """What the server lists; None: nothing of that name."""
    standing: Standing | None
    why: str
    """Why it is quarantined; empty: it is not."""
    findings: tuple[str, ...]
    """What is doubtful about its texts, for a person to weigh. What servers wrote is escaped in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinDifference:
    """What a person has to judge: exactly what turns the pinned definition into the listed one."""

    state: PinState
    differences: tuple[Difference, ...]

    @property
    def approvable(self) -> bool:
        """Whether approving would put it to use: it can be read whole, and nothing else stands against it."""
        return (
            self.state.seen is not None
            and self.state.standing not in (Standing.PINNED, Standing.UNUSABLE, Standing.UNRECORDED)
            and len(self.differences) <= MOST_DIFFERENCES
        )


@dataclass(frozen=True, slots=True)
class Approved:
    """A definition that may be used from now on."""

    state: PinState
    entry: str


class Pins:
    """The pins of every configured server."""

    def __init__(self, *, store: Store, clock: Clock, catalogue: Catalogue, approvals: Approvals, alerts: Alerts) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._approvals = approvals
        self._alerts = alerts
        catalogue.on_drift(self._drifted)

    async def all(self) -> tuple[PinState, ...]:
        """Everything that is pinned or listed, quarantined first."""
        pins = await self._store.pins()
        states: list[PinState] = []
        for server in self._catalogue.rules.servers:
            judgement = self._catalogue.judgement(server)
            listed = dict(judgement.parts) if judgement is not None else {}
            held = {(pin.kind, pin.name): pin for pin in sorted(pins, key=lambda p: p.at) if pin.server == server}
            places = {place for place in (*listed, *held) if _is_shown(place)}
            states += [self._state(server, place, listed.get(place), held.get(place)) for place in sorted(places)]
        return tuple(sorted(states, key=lambda state: (not state.why, state.server, state.kind, state.name)))

    async def look(self, server: str, kind: PinKind, name: str) -> None:
        """Have the server list anew what it has under this name; a server that is not configured is left alone."""
        await self._catalogue.refresh(self._place(server, kind, name)[0])

    async def difference(self, server: str, kind: PinKind, name: str) -> PinDifference | NotDone:
        """What differs between the pin and what the server lists."""
        found = await self._found(server, kind, name)
        if isinstance(found, NotDone):
            return found
        old = parse_strict(found.pin.definition) if found.pin is not None else {}
        new = parse_strict(found.seen.definition) if found.seen is not None else old
        return PinDifference(state=found, differences=differences(old, new))

    async def approve(self, operator: Operator, server: str, kind: PinKind, name: str, digest: str) -> Approved | NotDone:
        """Let exactly the definition with this digest be used. The digest is the one that was shown with the difference."""
        if operator.role is not Role.ADMIN:
            return NotDone(f"{operator.name} is not an admin", "approving a definition needs the role admin")
        judged_by = await self.difference(server, kind, name)
        if isinstance(judged_by, NotDone):
            return judged_by
        state = judged_by.state
        if state.seen is None:
            return NotDone(f"{_words(state)} is not listed by its server at the moment")
        if state.seen.digest != digest.removeprefix("sha256:"):
            return NotDone("the digest is not that of what the server lists now", "read the difference again")
        if state.standing is Standing.PINNED:
            return NotDone(f"{_words(state)} is pinned as it is" + (f", but {state.why}" if state.why else ""))
        if not judged_by.approvable:
            why = state.why if state.standing in (Standing.UNUSABLE, Standing.UNRECORDED) else "nobody could read it whole"
            return NotDone(f"{_words(state)} cannot be approved: {why}")
        configured = configured_pins(self._catalogue.rules, state.server).get((state.kind, state.name), frozenset())
        pin = pin_of(state.seen, f"operator:{operator.name}", self._clock.now(), configured)
        expected = pinned_digest(Judged(state.seen, Standing.CHANGED, state.pin))
        receipt = await self._store.record(Unit((pin_entry(pin, expected),), (PutPin(pin, expected),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail, "read the difference again")
        await receipt.durable()
        await self._catalogue.compare(state.server)
        after = await self._found(server, kind, name)
        return Approved(after if isinstance(after, PinState) else state, f"e{receipt.first_seq}")

    async def _found(self, server: str, kind: PinKind, name: str) -> PinState | NotDone:
        own, place = self._place(server, kind, name)
        if own not in self._catalogue.rules.servers:
            known = ", ".join(sorted(self._catalogue.rules.servers)) or "none"
            return NotDone(f"there is no server `{plain(server)}`", f"known: {known}")
        judgement = self._catalogue.judgement(own)
        listed = judgement.parts.get(place) if judgement is not None else None
        held = [pin for pin in await self._store.pins() if pin.server == own and (pin.kind, pin.name) == place]
        if listed is None and not held:
            return NotDone(f"nothing is pinned or listed as {in_words(server, kind, name)}", "`ringfence pins list` shows all")
        return self._state(own, place, listed, max(held, key=lambda pin: pin.at, default=None))

    def _place(self, server: str, kind: PinKind, name: str) -> tuple[ServerId, Place]:
        """Where a definition stands; a derived tool stands on that of the wide one."""
        rule = self._catalogue.rules.tools.get(ToolId(f"{server}.{name}")) if kind is PinKind.TOOL else None
        return (ServerId(server), (kind, name)) if rule is None else (rule.server, (kind, rule.upstream_name))

    def _state(self, server: ServerId, place: Place, judged: Judged | None, pin: Pin | None) -> PinState:
        kind, name = place
        tools = tuple(
            sorted(
                rule.id
                for rule in self._catalogue.rules.tools.values()
                if kind is PinKind.TOOL and rule.server == server and rule.upstream_name == name
            )
        )
        why = judged.why if judged is not None else ""
        return PinState(
            server=server,
            kind=kind,
            name=name,
            tools=tools,
            pin=judged.pin if judged is not None else pin,
            seen=judged.seen if judged is not None else None,
            standing=judged.standing if judged is not None else None,
            why=why or next((self._catalogue.alike[tool] for tool in tools if tool in self._catalogue.alike), ""),
            findings=self._findings(server, judged.seen) if judged is not None else (),
        )

    def _findings(self, server: ServerId, seen: Sighting) -> tuple[str, ...]:
        others = {
            rule.upstream_name
            for rule in self._catalogue.rules.tools.values()
            if rule.server != server and not is_method(rule.upstream_name)
        }
        return tuple(text_findings(parse_strict(seen.definition), others))

    # what follows ----------------------------------------------------------------------------------------------------

    async def _drifted(self, drift: Drift) -> None:
        """Never raises: the quarantine holds whatever can be recorded of it."""
        words = [in_words(drift.server, kind, name) for kind, name in sorted(drift.quarantined)]
        if words:
            logger.warning("quarantined: %s", "; ".join(words[:MOST_NAMED]))
        try:
            if words:
                await self._note(drift, words)
            tools = {name for kind, name in drift.quarantined if kind is PinKind.TOOL}
            await self._withdraw(drift, tools)
        except UnavailableError as error:
            logger.error("the quarantine of %s could not be recorded: %s", drift.server, error)
        if words:
            digests = self._digests(drift.server, drift.quarantined)
            self._alerts.drift(drift.server, words, key=f"{drift.server}:{digests}")
        if drift.left_out:
            logger.warning("left out of the lists of server %s: %s", drift.server, "; ".join(drift.left_out))
            self._alerts.left_out(drift.server, drift.left_out)
        for kind, name in sorted(drift.restored):
            logger.info("%s may be used again", in_words(drift.server, kind, name))
        if drift.restored and not self._holds_back(drift.server):
            self._alerts.drift_over(drift.server)

    def _holds_back(self, server: ServerId) -> bool:
        """Whether anything of a server is quarantined."""
        judgement = self._catalogue.judgement(server)
        return judgement is not None and any(
            part.standing not in (Standing.PINNED, Standing.TO_PIN) for part in judgement.parts.values()
        )

    async def _note(self, drift: Drift, words: list[str]) -> None:
        shown = sorted(drift.quarantined.items())[:MOST_NAMED]
        judgement = self._catalogue.judgement(drift.server)
        body = [
            {
                "kind": kind.value,
                "name": plain(name, 80),
                "why": why[:120],
                "digest": judgement.parts[kind, name].seen.digest if judgement and (kind, name) in judgement.parts else "",
            }
            for (kind, name), why in shown
        ]
        one = shown[0][0] if len(shown) == 1 else None
        entry = Entry(
            kind=EntryKind.GATEWAY,
            at=self._clock.now(),
            summary=f"quarantined {words[0]}" + (f" and {len(words) - 1} more" if len(words) > 1 else ""),
            tool=ToolId(f"{drift.server}.{plain(one[1])}") if one is not None and one[0] is PinKind.TOOL else None,
            decision="quarantine",
            by="gateway",
            body={"server": drift.server, "quarantined": body, "left_off": len(words) - len(shown)},
        )
        receipt = await self._store.record(Unit((entry,)))
        if not isinstance(receipt, Conflict):
            await receipt.journaled()

    async def _withdraw(self, drift: Drift, tools: Iterable[str]) -> None:
        names = set(tools)
        if not names and not drift.moved:
            return
        why = "its server is reached elsewhere now" if drift.moved else "the definition of its tool is quarantined"
        live = [ticket for ticket in await self._store.tickets(LIVE) if ticket.server == drift.server]
        hit = [ticket for ticket in live if drift.moved or ticket.upstream_name in names]
        await self._approvals.withdraw(hit, why, "gateway")

    def _digests(self, server: ServerId, places: Iterable[Place]) -> str:
        judgement = self._catalogue.judgement(server)
        parts = judgement.parts if judgement is not None else {}
        return ",".join(sorted(parts[place].seen.digest[:16] for place in places if place in parts))[:200]


def _is_shown(place: Place) -> bool:
    """Where a server is reached, and that a list has been seen, are the gateway's own notes."""
    kind, name = place
    return kind is PinKind.INSTRUCTIONS or (kind is not PinKind.IDENTITY and bool(name))


def _words(state: PinState) -> str:
    return in_words(state.server, state.kind, state.name)
