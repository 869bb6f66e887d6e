"""In whose name a call reaches its server: the token that was made for it out of the one that the caller showed.

The caller's own token goes to the authorization server that the operator named for this server, and nowhere else. It is not
kept: it is there while the request is open that brought it, and of the tokens made from it only its hash is remembered.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ringfence.core.model.identifiers import Millis, RunId, ServerId
from ringfence.engine.identity.identify import Vouched
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.exchange import Exchanged, TokenExchange
from ringfence.ports.secrets import Secret

NO_EXCHANGES: Final[Mapping[ServerId, TokenExchange]] = MappingProxyType({})
EXCHANGE_S: Final = 10.0
"""How long an exchange may take."""
MARGIN_MS: Final = 30_000
"""A token that ends sooner is not used again."""
REFUSED_MS: Final = 2_000
"""How long a refusal stands for the next calls with the same token."""
KEPT_MOST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a call carries in the place of the gateway's own credential."""

    token: Secret
    target: str
    """For whom it is."""
    refused: Callable[[], None]
    """The server did not accept it."""

    def used_with(self, other: str) -> str:
        """What the log says of it, and of another credential that the call has."""
        return ", ".join(used for used in (other, f"exchanged for {self.target}") if used)


@dataclass(frozen=True, slots=True)
class _Key:
    server: ServerId
    run: RunId
    subject: bytes
    """Hash of the caller's token: another one, with other rights perhaps, is exchanged anew."""


@dataclass(frozen=True, slots=True)
class _Known:
    made: Exchanged | UnavailableError
    by: TokenExchange
    until: Millis


class OnBehalf:
    """The exchanges of a configuration, and the tokens that are good for a while."""

    def __init__(
        self,
        clock: Clock,
        learn: Callable[[str], None] = lambda _: None,
        exchanges: Mapping[ServerId, TokenExchange] = NO_EXCHANGES,
        learn_passing: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`learn` is told every token before it is used, so that it is masked wherever it turns up; `learn_passing` those that
        are made for one call, of which there may be as many as there are calls."""
        self._clock = clock
        self._learn = learn
        self._learn_passing = learn_passing
        self._exchanges = exchanges
        self._known: dict[_Key, _Known] = {}
        self._asking: dict[_Key, asyncio.Lock] = {}

    def replace(self, exchanges: Mapping[ServerId, TokenExchange]) -> None:
        """The exchanges of another configuration from now on. Tokens of one that is still the same stay."""
        self._exchanges = exchanges

    async def forget(self, run: RunId, why: str) -> None:
        """The run is over."""
        del why
        for key in [key for key in self._known if key.run == run]:
            del self._known[key]

    async def bearer(self, server: ServerId, run: RunId, vouched: Vouched | None) -> Bearer | None:
        """The token for a call of a run. None: its server is reached with the gateway's own credential.

        Raises UnavailableError, for operators only: nothing may be sent.
        """
        by = self._exchanges.get(server)
        if by is None:
            return None
        subject = vouched.token if vouched is not None else None
        if vouched is None or subject is None:
            raise UnavailableError(
                f"server {server} needs the user on whose behalf run {run} acts, and the run was not called with an "
                "access token of an issuer",
                remedy="have its client present the issuer's token itself; run credentials and certificates name no user",
            )
        if self._clock.now() >= vouched.until:
            raise UnavailableError(f"the access token that run {run} was called with has expired meanwhile")
        self._learn(subject.reveal())
        key = _Key(server, run, hashlib.sha256(subject.reveal().encode()).digest())
        made = await self._made(key, by, subject, vouched.until)
        (self._learn if key in self._known else self._learn_passing)(made.token.reveal())
        return Bearer(made.token, by.target, lambda: self._drop(key, made))

    async def _made(self, key: _Key, by: TokenExchange, subject: Secret, until: Millis) -> Exchanged:
        if (known := self._fresh(key, by)) is None:
            lock = self._asking.setdefault(key, asyncio.Lock())
            try:
                async with lock:
                    if (known := self._fresh(key, by)) is None:
                        known = await self._exchange(key, by, subject, until)
            finally:
                if not lock.locked():
                    self._asking.pop(key, None)
        if isinstance(known.made, UnavailableError):
            raise UnavailableError(str(known.made), remedy=known.made.remedy)
        return known.made

    def _fresh(self, key: _Key, by: TokenExchange) -> _Known | None:
        known = self._known.get(key)
        return known if known is not None and known.by is by and self._clock.now() < known.until else None

    async def _exchange(self, key: _Key, by: TokenExchange, subject: Secret, until: Millis) -> _Known:
        made: Exchanged | UnavailableError
        try:
            async with asyncio.timeout(EXCHANGE_S):
                made = await by.exchange(subject)
        except UnavailableError as error:
            made = error
        except TimeoutError:
            made = UnavailableError("the authorization server does not answer")
        now = self._clock.now()
        if isinstance(made, UnavailableError):
            known = _Known(made, by, now + REFUSED_MS)
        elif made.token == subject:
            known = _Known(UnavailableError(f"the caller's own token came back for {by.target}"), by, now + REFUSED_MS)
        else:
            # What was made of a token never outlives it.
            known = _Known(made, by, min(made.expires_at or now, until) - MARGIN_MS)
        self._known.pop(key, None)
        if known.until > now:
            self._make_room(now)
            self._known[key] = known
        return known

    def _make_room(self, now: Millis) -> None:
        if len(self._known) < KEPT_MOST:
            return
        for key in [key for key, known in self._known.items() if known.until <= now]:
            del self._known[key]
        while len(self._known) >= KEPT_MOST:
            del self._known[next(iter(self._known))]

    def _drop(self, key: _Key, made: Exchanged) -> None:
        known = self._known.get(key)
        if known is not None and known.made is made:
            del self._known[key]
