"""Secrets as the engine asks for them: by reference, when they are needed, kept for a moment only."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ringfence.core.scan.redactor import Redactor
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.secrets import LateSecret, LateValues, Secret, SecretRef, SecretSource

KEPT_S = 30.0
"""How long a value is used before it is read again: what was rotated is in use after this."""
REFUSED_S = 2.0
"""How long a failed look-up stands for the next ones, so that a vault that is down is not asked for each call."""

ACQUAINT_S = 5.0


@dataclass(frozen=True, slots=True)
class _Known:
    value: Secret | UnavailableError
    at: float
    until: float


class SecretBook:
    """Routes each reference to the source of its kind; one look-up at a time for each reference."""

    def __init__(self, sources: Mapping[str, SecretSource], clock: Clock, redactor: Redactor | None = None) -> None:
        """What is given out is masked by `redactor` from then on."""
        self._sources = dict(sources)
        self._clock = clock
        self._redactor = redactor if redactor is not None else Redactor()
        self._known: dict[SecretRef, _Known] = {}
        self._asking: dict[SecretRef, asyncio.Lock] = {}
        self._changes = 0

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

    async def acquaint(self, refs: Collection[SecretRef]) -> tuple[str, ...]:
        """Look all of them up once, so that they are masked before anything is sent. Answers why some cannot be had, now.

        Takes no longer than ACQUAINT_S: what does not answer by then is known when it is first used.
        """
        lookups = [asyncio.ensure_future(self.read(ref)) for ref in refs]
        if not lookups:
            return ()
        done, late = await asyncio.wait(lookups, timeout=ACQUAINT_S)
        for lookup in late:
            lookup.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return tuple(sorted(str(error) for lookup in done if (error := lookup.exception()) is not None))

    def late(self, ref: SecretRef) -> LateSecret:
        """One secret, for what sends it."""
        return lambda: self.read(ref)

    def values(self, given: Mapping[str, str | SecretRef]) -> LateValues:
        """Several values, for what sends them together."""
        return _Values(self, given)

    def forget(self) -> None:
        """Read everything anew: the configuration was replaced, or somebody rotated something."""
        self._known.clear()
        self._changes += 1

    def open(self, sources: Mapping[str, SecretSource]) -> None:
        """The first places, where one of them needs the book itself."""
        self._sources = dict(sources)

    async def replace(self, sources: Mapping[str, SecretSource]) -> None:
        """Other places from now on. Those that are gone are closed."""
        gone = [source for source in self._sources.values() if source not in sources.values()]
        self._sources = dict(sources)
        self.forget()
        await asyncio.gather(*(source.close() for source in gone), return_exceptions=True)

    @property
    def changes(self) -> int:
        """Rises when what was read must not be used any more."""
        return self._changes

    def until(self, ref: SecretRef) -> float:
        """Until when (monotonic) what was read is used; 0: it is not."""
        known = self._fresh(ref)
        return 0.0 if known is None else known.until

    def now(self) -> float:
        return self._clock.monotonic()

    def doubt(self, ref: SecretRef) -> None:
        """What was read some time ago was refused where it was sent: read it anew."""
        known = self._known.get(ref)
        if known is not None and self._clock.monotonic() >= known.at + REFUSED_S:
            del self._known[ref]
            self._changes += 1

    async def close(self) -> None:
        self.forget()
        await asyncio.gather(*(source.close() for source in self._sources.values()), return_exceptions=True)

    def _fresh(self, ref: SecretRef) -> _Known | None:
        known = self._known.get(ref)
        return known if known is not None and self._clock.monotonic() < known.until else None

    async def _ask(self, ref: SecretRef) -> _Known:
        source, changes = self._sources.get(ref.kind), self._changes
        value: Secret | UnavailableError
        try:
            if source is None:
                kinds = ", ".join(f"`{kind}:`" for kind in sorted(self._sources))
                raise UnavailableError(f"the secret {ref} is of no known kind", remedy=f"known kinds are {kinds}")
            value = await source.read(ref)
            self._redactor.learn(value.reveal())
            kept = KEPT_S
        except UnavailableError as error:
            value, kept = error, REFUSED_S
        now = self._clock.monotonic()
        known = _Known(value, now, now + kept)
        # What was asked for before everything was to be read anew is an answer to whoever asked, and to nobody later.
        if changes == self._changes:
            self._known[ref] = known
        return known


class _Values:
    """Implements `ports.secrets.LateValues`."""

    def __init__(self, book: SecretBook, given: Mapping[str, str | SecretRef]) -> None:
        self._book = book
        self._given = dict(given)
        self._refs = [value for value in given.values() if isinstance(value, SecretRef)]
        self._last: Mapping[str, str] | None = None
        self._until = 0.0
        self._changes = -1

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._given)

    def fresh(self) -> Mapping[str, str] | None:
        book = self._book
        return self._last if self._changes == book.changes and book.now() < self._until else None

    async def read(self) -> Mapping[str, str]:
        if (known := self.fresh()) is not None:
            return known
        book = self._book
        changes = book.changes
        found = {
            name: value if isinstance(value, str) else (await book.read(value)).reveal() for name, value in self._given.items()
        }
        if self._last != found:
            self._last = found
        self._changes = changes
        self._until = min((book.until(ref) for ref in self._refs), default=float("inf"))
        return found if self._last is None else self._last

    def doubt(self) -> None:
        for ref in self._refs:
            self._book.doubt(ref)
