"""Secrets as the engine asks for them: by reference, when they are needed, kept for a moment only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.secrets import Secret, SecretRef, SecretSource

KEPT_S = 30.0
"""How long a value is used before it is read again: what was rotated is in use after this."""
REFUSED_S = 2.0
"""How long a failed look-up stands for the next ones, so that a vault that is down is not asked for each call."""


@dataclass(frozen=True, slots=True)
class _Known:
    value: Secret | UnavailableError
    until: float


class SecretBook:
    """Routes each reference to the source of its kind; one look-up at a time for each reference."""

    def __init__(self, sources: Mapping[str, SecretSource], clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._known: dict[SecretRef, _Known] = {}
        self._asking: dict[SecretRef, asyncio.Lock] = {}

    async def read(self, ref: SecretRef) -> Secret:
        """The secret. Raises UnavailableError, naming the reference and never a value."""
        known = self._fresh(ref)
        if known is None:
            # A cancelled caller takes only itself away: the next in line asks anew.
            async with self._asking.setdefault(ref, asyncio.Lock()):
                known = self._fresh(ref)
                if known is None:
                    known = await self._ask(ref)
        if isinstance(known.value, UnavailableError):
            raise UnavailableError(str(known.value), remedy=known.value.remedy)
        return known.value

    def forget(self) -> None:
        """Read everything anew: the configuration was replaced, or somebody rotated something."""
        self._known.clear()

    async def close(self) -> None:
        self._known.clear()
        await asyncio.gather(*(source.close() for source in self._sources.values()), return_exceptions=True)

    def _fresh(self, ref: SecretRef) -> _Known | None:
        known = self._known.get(ref)
        return known if known is not None and self._clock.monotonic() < known.until else None

    async def _ask(self, ref: SecretRef) -> _Known:
        source = self._sources.get(ref.kind)
        value: Secret | UnavailableError
        try:
            if source is None:
                kinds = ", ".join(f"`{kind}:`" for kind in sorted(self._sources))
                raise UnavailableError(f"the secret {ref} is of no known kind", remedy=f"known kinds are {kinds}")
            value = await source.read(ref)
            kept = KEPT_S
        except UnavailableError as error:
            value, kept = error, REFUSED_S
        known = _Known(value, self._clock.monotonic() + kept)
        self._known[ref] = known
        return known
