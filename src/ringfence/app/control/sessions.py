"""Logins of people: random values, in memory only, so a restart logs everybody out.

A browser has its value in a cookie, the command line of somebody who logged in at an issuer shows it as a bearer; neither is
accepted in the other's place.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from ringfence.core.model.identifiers import Millis, OperatorName
from ringfence.core.model.operator import Operator
from ringfence.core.model.people import Person
from ringfence.engine.identity.identify import hash_of
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy

LIFE_S = 12 * 3600
"""A working day: nobody stays logged in over night."""
MOST = 1000
COOKIE = "ringfence_login"
BEARER_PREFIX = "rfl_"


@dataclass(frozen=True, slots=True)
class Login:
    """Who logged in, with which credential. A replaced or removed operator's login is void."""

    operator: OperatorName
    credential_hash: str
    expires_at: Millis
    person: Person | None = None
    """Whom an issuer vouched for: who that is here is asked anew each time."""


class Sessions:
    """Browser logins of operators. (The word is HTTP's; work by agents is a run.)"""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._logins: dict[str, Login] = {}

    def open(self, operator: Operator, *, person: Person | None = None, life_s: int = LIFE_S, bearer: bool = False) -> str:
        """A new login; answers the cookie's value, or with `bearer` the credential."""
        now = self._clock.now()
        self._logins = {key: login for key, login in self._logins.items() if now < login.expires_at}
        while len(self._logins) >= MOST:
            del self._logins[next(iter(self._logins))]
        value = base64.urlsafe_b64encode(self._entropy.token(32)).rstrip(b"=").decode()
        if bearer:
            value = BEARER_PREFIX + value
        expires_at = now + min(life_s, LIFE_S) * 1000
        self._logins[hash_of(value)] = Login(operator.name, operator.credential_hash, expires_at, person)
        return value

    def find(self, value: str) -> Login | None:
        login = self._logins.get(hash_of(value))
        return login if login is not None and self._clock.now() < login.expires_at else None

    def close(self, value: str) -> None:
        self._logins.pop(hash_of(value), None)
