"""What the messages proxy sees of a run besides what it asks."""

from __future__ import annotations

from ringfence.core.metering.request import Unreadable
from ringfence.core.modelling import Act
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.catalogue import Catalogue
from ringfence.engine.identify import Principal
from ringfence.engine.models.reading import Read, RequestReader


class Observing:
    """Reads requests of all runs of one gateway."""

    def __init__(self, *, catalogue: Catalogue, redactor: Redactor) -> None:
        self._catalogue = catalogue
        self._reader = RequestReader(redactor)

    async def read(self, principal: Principal, act: Act, body: bytes) -> Read | Unreadable:
        """What a body asks for, and what is sent of it."""
        rules = self._catalogue.rules.models
        assert rules is not None  # INVARIANT: without them the proxy serves nothing
        return await self._reader.read(act, body, rules)
