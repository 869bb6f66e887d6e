"""Logging the command line in at an issuer, with a browser elsewhere (RFC 8628).

Over the unix socket only, and not for a user under which an agent runs: whoever begins such a login gets its credential, so
an agent that began one would only need a person who types a code (section 5.4).
"""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass, replace
from typing import Final

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply
from ringfence.app.control.auth import is_an_agents
from ringfence.app.control.operators import operator_view
from ringfence.app.control.routes import Route
from ringfence.app.control.sessions import Sessions
from ringfence.app.control.shape import Field
from ringfence.app.control.times import iso
from ringfence.core.model.identifiers import Millis
from ringfence.engine.identity.identify import hash_of
from ringfence.engine.runs.runs import NotDone
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.people import DeviceCode, NoPerson, Offer, Waiting
from ringfence.ports.secrets import Secret

logger = logging.getLogger(__name__)

MOST: Final = 20
"""Logins that wait for somebody at the same time."""
_SLOWER_S: Final = 5.0
_NOT_HERE: Final = "this login is not known: it ended, or somebody else began it"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    offer: Offer
    uid: int
    code: Secret
    interval_s: float
    next_at: float
    """When the issuer may be asked again, on the monotonic clock."""
    expires_at: Millis


class DeviceLogins:
    """Those that have begun."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._pending: dict[str, _Pending] = {}

    def begin(self, offer: Offer, uid: int, given: DeviceCode) -> str | None:
        """What the command line asks with; None: too many wait."""
        if self.is_full():
            return None
        handle = base64.urlsafe_b64encode(self._entropy.token(32)).rstrip(b"=").decode()
        self._pending[hash_of(handle)] = _Pending(
            offer=offer,
            uid=uid,
            code=given.code,
            interval_s=given.interval_s,
            next_at=self._clock.monotonic(),
            expires_at=self._clock.now() + int(given.life_s * 1000),
        )
        return handle

    def is_full(self) -> bool:
        now = self._clock.now()
        self._pending = {key: known for key, known in self._pending.items() if now < known.expires_at}
        return len(self._pending) >= MOST

    def find(self, handle: str, uid: int) -> _Pending | None:
        known = self._pending.get(hash_of(handle))
        return known if known is not None and known.uid == uid and self._clock.now() < known.expires_at else None

    def ask(self, handle: str) -> Secret | None:
        """The issuer's code, if it may be asked now; the next question is then an interval away."""
        key, now = hash_of(handle), self._clock.monotonic()
        known = self._pending[key]
        if now < known.next_at:
            return None
        self._pending[key] = replace(known, next_at=now + known.interval_s)
        return known.code

    def slow_down(self, handle: str) -> None:
        key = hash_of(handle)
        if (known := self._pending.get(key)) is not None:
            later = known.interval_s + _SLOWER_S
            self._pending[key] = replace(known, interval_s=later, next_at=self._clock.monotonic() + later)

    def end(self, handle: str) -> bool:
        """False: it has ended already."""
        return self._pending.pop(hash_of(handle), None) is not None


def device_routes(sessions: Sessions, clock: Clock, entropy: Entropy) -> tuple[Route, ...]:
    """The routes of such a login, and of its end."""
    logins = DeviceLogins(clock, entropy)

    async def begin(asked: Asked) -> Answer:
        offer = asked.services.people_issuer.offer
        if offer is None:
            return Problem(ProblemCode.REFUSED, "nobody logs in by an issuer here", "`operators.oidc` configures one")
        uid = asked.peer_uid
        if (refusal := _not_from_here(asked)) is not None or uid is None:
            return refusal or _only_local()
        if logins.is_full():
            return _too_many()
        given = await asked.services.people_issuer.device()
        if isinstance(given, NoPerson):
            return _problem(given)
        handle = logins.begin(offer, uid, given)
        if handle is None:
            return _too_many()
        return Reply(
            {
                "login": handle,
                "user_code": given.user_code,
                "uri": given.uri,
                "complete_uri": given.complete_uri,
                "interval_s": given.interval_s,
                "expires_at": iso(clock.now() + int(given.life_s * 1000)),
            }
        )

    async def finish(asked: Asked) -> Answer:
        handle, uid = asked.body["login"], asked.peer_uid
        if (refusal := _not_from_here(asked)) is not None or uid is None:
            return refusal or _only_local()
        known = logins.find(handle, uid)
        if known is None or known.offer != asked.services.people_issuer.offer:
            return Problem(ProblemCode.REFUSED, _NOT_HERE, "`ringfence login --oidc` begins another")
        code = logins.ask(handle)
        if code is None:
            return Reply({"state": "waiting", "interval_s": known.interval_s})
        found = await asked.services.people_issuer.redeem_device(code)
        if isinstance(found, Waiting):
            if found.slower:
                logins.slow_down(handle)
            again = logins.find(handle, uid)
            return Reply({"state": "waiting", "interval_s": again.interval_s if again else known.interval_s})
        if isinstance(found, NoPerson) and found.unavailable:
            return _problem(found)
        if not logins.end(handle):
            return Problem(ProblemCode.REFUSED, _NOT_HERE, "`ringfence login --oidc` begins another")
        if isinstance(found, NoPerson):
            return _problem(found)
        operator = await asked.services.people.admit(found, way="device")
        if isinstance(operator, NotDone):
            logger.warning("somebody whom the issuer knows was not let in: %s", operator.why)
            return Problem(ProblemCode.FORBIDDEN, operator.why, operator.remedy)
        life_s = asked.services.people.login_s
        credential = sessions.open(operator, person=found, life_s=life_s, bearer=True)
        expires_at = iso(clock.now() + life_s * 1000)
        return Reply({"state": "done", **operator_view(operator), "credential": credential, "expires_at": expires_at})

    async def log_out(asked: Asked) -> Answer:
        sessions.close(asked.credential)
        return Reply(operator_view(asked.who), cookie="")

    return (
        Route(
            method="POST",
            path="/login/device",
            handler=begin,
            role=None,
            body=(),
            summary="Begin a login at the configured issuer that a person finishes in a browser elsewhere; unix socket only.",
            answer="`login` to ask with, `user_code` and `uri` for the person, `interval_s`, `expires_at`.",
        ),
        Route(
            method="POST",
            path="/login/device/result",
            handler=finish,
            role=None,
            body=(Field("login", "What the login's beginning answered.", required=True, most=100),),
            summary="Ask whether such a login is finished; the credential is shown this once.",
            answer="`state` `waiting`, or `done` with the operator, its `credential` and when that ends.",
        ),
        Route(
            method="POST",
            path="/logout",
            handler=log_out,
            summary="End the login whose credential or cookie the request shows; an operator's own credential stays.",
            answer="The operator.",
        ),
    )


def _not_from_here(asked: Asked) -> Problem | None:
    if asked.peer_uid is None:
        return _only_local()
    if is_an_agents(asked.services, asked.peer_uid):
        logger.warning("local user %d, under which an agent runs, tried to log in as a person", asked.peer_uid)
        return Problem(ProblemCode.FORBIDDEN, f"an agent runs as local user {asked.peer_uid}", "log in with a browser")
    return None


def _only_local() -> Problem:
    return Problem(ProblemCode.FORBIDDEN, "this login is for the unix socket", "log in with a browser")


def _too_many() -> Problem:
    return Problem(ProblemCode.UNAVAILABLE, "too many logins wait for somebody", "try again in some minutes")


def _problem(nobody: NoPerson) -> Problem:
    logger.warning("a login at the issuer came to nothing: %s", nobody.why)
    if nobody.unavailable:
        return Problem(ProblemCode.UNAVAILABLE, "the issuer that people log in at cannot be asked now", nobody.why)
    return Problem(ProblemCode.UNAUTHENTICATED, "nobody is logged in", nobody.why)
