"""Cursors of the gateway's own pages: bound to who asks, where, for what, and to the list as it was.

A cursor of somebody else, of another list, or of a list that has changed since is no cursor.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.adapters.pep.mcp_gateway.seal import Seal
from ringfence.core.model.identifiers import AgentId, Digest, RunId
from ringfence.ports.entropy import Entropy


@dataclass(frozen=True, slots=True)
class ListPlace:
    """One list as one run sees it."""

    agent: AgentId
    run: RunId
    server: str | None
    """The endpoint's."""
    method: str
    digest: Digest
    """Of every item."""


class Cursors:
    """Seals and opens cursors."""

    def __init__(self, entropy: Entropy) -> None:
        self._seal = Seal(entropy, "cursor")

    def after(self, place: ListPlace, offset: int) -> str:
        """The cursor of what follows so many items."""
        return self._seal.seal(place.agent, place.run, place.server, place.method, place.digest, offset)

    def offset(self, cursor: str, place: ListPlace) -> int | None:
        """How many items a cursor of exactly this list has behind it."""
        opened = self._seal.open(cursor)
        if opened is None:
            return None
        *found, offset = opened[1]
        return offset if found == [place.agent, place.run, place.server, place.method, place.digest] else None
