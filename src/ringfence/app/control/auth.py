"""Who is asking. Only people are recognised here; whatever an agent holds is refused with a warning.

1. a bearer credential of an operator counts on every listener, and so does that of a login at an issuer;
2. over TCP, the cookie of a login counts;
3. on the unix socket, the peer's user counts where exactly one operator is bound to it and no agent runs under it;
4. while no operator exists, the gateway's own user and root may add the first one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ringfence.app.control.answer import Bootstrap, Problem, ProblemCode
from ringfence.app.control.services import ControlServices
from ringfence.app.control.sessions import BEARER_PREFIX, Login, Sessions
from ringfence.core.model.operator import Operator

logger = logging.getLogger(__name__)

AGENT_PREFIX = "rfr_"
_NOT_ACCEPTED = "credential not accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What is known of the other end, before anything it asks for is read."""

    unix: bool
    peer_uid: int | None
    """The unix socket peer's user, as the kernel says; None over TCP, or where it cannot be had."""
    authorization: str | None
    """The header's value."""
    cookie: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """An operator, and whether a browser's cookie said so (then the origin of unsafe requests matters)."""

    operator: Operator
    by_cookie: bool = False


async def authenticate(services: ControlServices, sessions: Sessions, connection: Connection) -> Known | Bootstrap | Problem:
    """The operator behind a connection, or why there is none. Numbers as in the module's list."""
    if connection.authorization is not None:
        return await _by_credential(services, sessions, connection.authorization)  # 1
    if not connection.unix:
        return await _by_cookie(services, sessions, connection.cookie)  # 2
    if connection.peer_uid is None:
        return _unknown("the unix socket does not say who its peer is")
    return await _by_peer(services, connection.peer_uid)


async def _by_credential(services: ControlServices, sessions: Sessions, authorization: str) -> Known | Problem:
    credential = bearer_of(authorization)
    if credential is None:
        return _unknown(_NOT_ACCEPTED, "send `Authorization: Bearer OPERATOR_CREDENTIAL`")
    if credential.startswith(BEARER_PREFIX):
        login = sessions.find(credential)
        operator = await _behind(services, login) if login is not None else None
        return Known(operator) if operator is not None else _unknown("this login has ended", "`ringfence login --oidc`")
    operator = await operator_of(services, credential)
    return Known(operator) if operator is not None else _unknown(_NOT_ACCEPTED, "`ringfence operator add` shows one once")


def bearer_of(authorization: str) -> str | None:
    """The credential of an `Authorization` header; None where it is of another scheme."""
    scheme, _, credential = authorization.partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else None


async def operator_of(services: ControlServices, credential: str) -> Operator | None:
    """The operator whose credential this is. One that belongs to an agent's run is worth a warning."""
    if credential.startswith(AGENT_PREFIX):
        logger.warning("a run credential was presented on the control plane: an agent is trying to act as a person")
        return None
    operator = await services.operators.by_credential(credential)
    if operator is None:
        logger.warning("an unknown operator credential was presented on the control plane")
    return operator


async def _by_cookie(services: ControlServices, sessions: Sessions, cookie: str | None) -> Known | Problem:
    login = sessions.find(cookie) if cookie and not cookie.startswith(BEARER_PREFIX) else None
    operator = await _behind(services, login) if login is not None else None
    if operator is not None:
        return Known(operator, by_cookie=True)
    return _unknown("nobody is logged in", "log in with an operator's credential, or send it as `Authorization: Bearer`")


async def _behind(services: ControlServices, login: Login) -> Operator | None:
    """Whose login it is, as the state and the configuration are now."""
    if login.person is not None:
        return services.people.operator_of(login.person)
    operator = (await services.store.operators()).get(login.operator)
    return operator if operator is not None and operator.credential_hash == login.credential_hash else None


async def _by_peer(services: ControlServices, uid: int) -> Known | Bootstrap | Problem:
    if is_an_agents(services, uid):
        logger.warning("local user %d, under which an agent runs, came to the control socket without a credential", uid)
        return _unknown(f"an agent runs as local user {uid}, so being that user is not enough", _SAY_WHO)
    bound = await services.operators.by_uid(uid)  # 3
    if len(bound) == 1:
        return Known(bound[0])
    if bound:
        names = ", ".join(operator.name for operator in bound)
        return _unknown(f"several operators are local user {uid}: {names}", _SAY_WHO)
    if await services.operators.all():
        return _unknown(f"no operator is bound to local user {uid}", _SAY_WHO)
    if uid in (services.own_uid, 0):
        return Bootstrap(uid)  # 4
    return _unknown("there is no operator yet", "the gateway's own user runs `ringfence operator add NAME --role admin`")


def is_an_agents(services: ControlServices, uid: int) -> bool:
    """Whether an agent runs under a local user."""
    return any(uid in rule.uids for rule in services.catalogue.rules.agents.values())


_SAY_WHO = "say who you are with a credential: `--as NAME`, or RINGFENCE_OPERATOR_CREDENTIAL"


def _unknown(message: str, remedy: str = "") -> Problem:
    return Problem(ProblemCode.UNAUTHENTICATED, message, remedy)
