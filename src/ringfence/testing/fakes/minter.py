"""A minter that makes nothing real, and remembers what it was asked for."""

from __future__ import annotations

from ringfence.core.model.identifiers import CallId, RunId
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.minter import Minted, Need
from ringfence.ports.secrets import Secret


class FakeMinter:
    """Implements `ringfence.ports.minter.Minter`. `in_force` is everything that could be used; `left_over` is from before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._alive: set[str] = set()
        self.in_force: dict[str, Need] = {}
        self.made: list[str] = []
        self.asked: list[Need] = []
        self.broken = ""
        """Why nothing can be made or ended; empty: all is well."""

    async def mint(self, need: Need, run: RunId, call: CallId) -> Minted:
        self._check()
        name = f"fake_{len(self.made)}_{run}_{call}"
        self.made.append(name)
        self.asked.append(need)
        self._alive.add(name)
        self.in_force[name] = need
        values = {"dsn": Secret(f"fake://{name}:pw-{name}@db"), "user": Secret(name), "password": Secret(f"pw-{name}")}
        return Minted(id=name, values=values, expires_at=self._clock.now() + int(need.lifetime_s * 1000))

    async def revoke(self, minted: str) -> None:
        self._alive.discard(minted)
        self._check()
        self.in_force.pop(minted, None)

    async def sweep(self) -> tuple[str, ...]:
        self._check()
        ended = tuple(sorted(self.in_force.keys() - self._alive))
        for name in ended:
            del self.in_force[name]
        return ended

    async def close(self) -> None:
        pass

    def _check(self) -> None:
        if self.broken:
            raise UnavailableError(self.broken)
