"""Boxes of runs, as the gateway sees them: whose they are, what is to happen to them, and what the log says of them.

The processes belong to a supervisor outside (`ringfence run`), which does as it is told here; whatever it says of itself is an
operator's word. INVARIANT: a box is served only after the entry that says that it was started is durable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.core.model.box import BoxProfile
from ringfence.core.model.identifiers import AgentId, RunId, TicketId
from ringfence.core.model.run import Posture, RunState
from ringfence.core.model.stop import Reach, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.identity.identify import Presented, Principal, identify
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.runs.runs import NotDone, Runs
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

COMMAND_LIMIT = 4000
"""Characters of a command that its entry carries."""


class Order(StrEnum):
    """What is to happen to a box now."""

    RUN = "run"
    PAUSE = "pause"
    KILL = "kill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A run that a supervisor makes a box for."""

    run: RunId
    agent: AgentId
    profile: BoxProfile | None
    """The agent's own; None: it has none, and the supervisor's choice counts."""
    presented: Presented
    """What the box's listener stands for."""
    reach: Reach


class Boxes:
    """All boxes of one gateway."""

    def __init__(self, *, store: Store, clock: Clock, catalogue: Catalogue, runs: Runs) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._runs = runs

    async def adopt(self, credential: str, binding: str) -> Adopted | NotDone:
        """The run of a credential that is bound to a box's listener."""
        presented = Presented(credential, Posture.BOXED, frozenset({binding}))
        principal = await identify(self._store, self._clock, presented)
        if not isinstance(principal, Principal):
            return NotDone("the credential is not that of a run with a box")
        run, view = await self._store.run(principal.run), self._catalogue.view(principal.agent)
        if run is None or view is None:
            return NotDone(f"run {principal.run} is not known any more")
        reach = await reach_of(self._store, run)
        return Adopted(run=run.id, agent=run.agent, profile=view.rule.box, presented=presented, reach=reach)

    async def started(self, box: Adopted, command: Sequence[str], told: Mapping[str, Any]) -> str:
        """Record that its command is about to start. Returns the entry when it is durable. Raises UnavailableError."""
        line = " ".join(command)
        body: dict[str, Any] = {"command": line[:COMMAND_LIMIT], **told}
        if len(line) > COMMAND_LIMIT:
            body["left_off"] = len(line) - COMMAND_LIMIT
        return await self._note(box, f"box started: {line}"[:200], body)

    async def ended(self, box: Adopted, told: Mapping[str, Any], *, stays: bool = False) -> str:
        """Record how it ended and what it changed, and end its run, unless its result waits. Raises UnavailableError."""
        code, why = told.get("code"), told.get("why")
        entry = await self._note(box, f"box ended: {why or f'exit code {code}'}"[:200], told)
        if not stays:
            await self.close(box, f"its box ended ({why or f'exit code {code}'})")
        return entry

    async def close(self, box: Adopted, why: str) -> None:
        """End its run."""
        await self._runs.close(box.run, by="gateway", why=why)

    async def waits(self, ticket: TicketId) -> bool:
        """Whether a result still waits for a person, or to be fetched. What cannot be read does not."""
        try:
            found = await self._store.ticket(ticket)
        except UnavailableError:
            return False
        live = (TicketState.PENDING, TicketState.APPROVED)
        return found is not None and found.state in live and self._clock.now() < found.expires_at

    async def renew(self, box: Adopted) -> None:
        """Its run lives as long as its box, within what its agent may have."""
        await self._runs.renew(box.run, box.presented.credential)

    async def order(self, box: Adopted) -> tuple[Order, str]:
        """What is to happen to it now, and why. What cannot be read fresh kills."""
        try:
            stops = self._store.stops_on(box.reach)
            run = await self._store.run(box.run)
        except UnavailableError as error:
            return Order.KILL, str(error)
        if kill := next((stop for stop in stops if stop.mode is StopMode.KILL), None):
            return Order.KILL, f"killed by {kill.by}"
        if run is None or run.state is not RunState.OPEN:
            return Order.KILL, "its run has ended"
        if run.expires_at is not None and self._clock.now() >= run.expires_at:
            return Order.KILL, "its run has expired"
        if pause := next((stop for stop in stops if stop.mode is StopMode.PAUSE), None):
            return Order.PAUSE, f"paused by {pause.by}"
        return Order.RUN, ""

    async def _note(self, box: Adopted, summary: str, body: Mapping[str, Any]) -> str:
        entry = Entry(
            kind=EntryKind.RUN,
            at=self._clock.now(),
            summary=summary,
            run=box.run,
            agent=box.agent,
            by="gateway",
            body={"posture": Posture.BOXED.value, **body},
        )
        receipt = await self._store.record(Unit((entry,)))
        if isinstance(receipt, Conflict):
            raise UnavailableError(receipt.detail)
        await receipt.durable()
        return f"e{receipt.first_seq}"
