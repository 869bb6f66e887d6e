"""Results that leave boxes: each is one call, from its decision to an outcome that says what became of it.

    outcome = await exports.export(presented, arguments, land, waits)

The supervisor of a box holds the bundle and says what its gate found; here it is sent through the enforcer like any call. What
the enforcer allows lives here as the `Upstream` of the gateway's own server `workspace`: to send the call is to let the
supervisor put the branch into the operator's repository (`land`), and its answer is the supervisor's word on that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from ringfence.core.model.identifiers import RunId
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.own_tools.exporting import DEFINITION
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.catalogue.own_server import OwnServer
from ringfence.engine.identity.identify import Presented, Principal, identify
from ringfence.engine.outcome import Outcome, Waiting
from ringfence.engine.people.approvals import Approvals
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store
from ringfence.ports.upstream import Answered, NotSent, Reply, Sending
from ringfence.ports.upstream import Unknown as Lost

LOOK_S: Final = 20.0
"""How often a wait for a person looks up, in case nobody told it."""

Land = Callable[[], Awaitable[Mapping[str, Any] | None]]
"""Puts the branch there. None: nobody can say whether it did."""
Waits = Callable[[Ticket], Awaitable[bool]]
"""Told of the ticket that it waits for. False: nobody waits."""


class Export(Protocol):
    """The enforcer's way for a result."""

    async def __call__(self, presented: Presented, arguments: Mapping[str, Any]) -> Outcome: ...


class Exports(OwnServer):
    """All results of one gateway that are on their way out."""

    def __init__(self, *, store: Store, clock: Clock, approvals: Approvals) -> None:
        super().__init__(DEFINITION, "box")
        self._store = store
        self._clock = clock
        self._approvals = approvals
        self._export: Export | None = None
        self._asked: dict[tuple[RunId, bytes], Land] = {}

    def use(self, export: Export) -> None:
        """The enforcer's way in, which in turn has this for its upstream."""
        self._export = export

    async def export(self, presented: Presented, arguments: Mapping[str, Any], land: Land, waits: Waits) -> Outcome:
        """Decide, wait for a person where one is needed, land, record. `Waiting`: nobody waits, or the ticket has ended.

        Whoever does not want to wait any more cancels; the ticket stands.
        """
        assert self._export is not None  # INVARIANT: `use` comes first
        principal = await identify(self._store, self._clock, presented)
        key = (principal.run, canonical_bytes(dict(arguments))) if isinstance(principal, Principal) else None
        if key is not None and key in self._asked:
            raise UnavailableError("this result is on its way out already")
        if key is not None:
            self._asked[key] = land
        try:
            while True:
                outcome = await self._export(presented, arguments)
                if not isinstance(outcome, Waiting):
                    return outcome
                if not await waits(outcome.ticket) or not await self._decided(outcome.ticket):
                    return outcome
        finally:
            if key is not None:
                self._asked.pop(key, None)

    async def _decided(self, ticket: Ticket) -> bool:
        """Whether a person has decided; False: the ticket has ended."""
        while True:
            found = await self._approvals.wait(ticket.id, LOOK_S)
            if found is None or found.state is not TicketState.PENDING:
                return found is not None and found.state in (TicketState.APPROVED, TicketState.DENIED)
            if self._clock.now() >= found.expires_at:
                return False

    # --- the upstream of `workspace`

    async def call(self, sending: Sending) -> Reply:
        """Let the supervisor land the branch, and answer with what it says."""
        land = self._asked.get((RunId(sending.principal.removeprefix("run:")), sending.arguments))
        if land is None:
            return NotSent("nobody holds this result")
        if not sending.may_send():
            return NotSent("it was stopped before anything left")
        landed = await land()
        if landed is None:
            return Lost("the supervisor went away while it made the branch")
        return Answered({"content": [], "structuredContent": dict(landed), "isError": "branch" not in landed})

    @property
    def under_way(self) -> int:
        return len(self._asked)

    async def close(self) -> None:
        """Nothing is held."""
