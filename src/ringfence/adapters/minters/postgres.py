"""Roles in Postgres that live for one call.

A role is made in one transaction with exactly the listed grants. Before it is handed out, what it can really do is read back
from the catalogue: a right that everybody has by `PUBLIC` is refused like one too many. It ends in three steps, of which the
first alone bars it: no login and no password; its connections are ended; what it has is dropped, and it itself.
Source: PostgreSQL 14 and later, CREATE ROLE, GRANT, DROP OWNED.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable

from ringfence.adapters.minters.pg_driver import Connection, connected
from ringfence.adapters.minters.pg_dsn import dsn_for
from ringfence.adapters.minters.pg_grants import grant_statements, quoted, rights_of
from ringfence.adapters.minters.pg_rights import compared, rights_held
from ringfence.adapters.minters.pg_scram import scram_verifier
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.errors import ConfigError, UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.minter import Minted, Need
from ringfence.ports.secrets import Secret

logger = logging.getLogger(__name__)

CONNECTIONS_EACH = 2
"""How many connections one role may have open."""
AT_ONCE = 8
"""Of our own connections; further calls wait."""
END_MS = 5000
_MOST_SWEPT = 1000


class PostgresMinter:
    """Implements `ringfence.ports.minter.Minter`."""

    def __init__(self, dsn: Callable[[], Awaitable[Secret]], instance: str, clock: Clock, entropy: Entropy) -> None:
        """`dsn` gives the address with the credential of a role that may create roles and grant what is listed.

        `instance` tells the roles of this gateway from another's in the same database; the same after a restart.
        """
        self._dsn = dsn
        self._prefix = f"rf_{_plain(instance)[:8]}_"
        self._clock = clock
        self._entropy = entropy
        self._alive: dict[str, int] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def mint(self, need: Need, run: RunId, call: CallId) -> Minted:
        try:
            rights = rights_of(need.grants)
        except ConfigError as error:
            raise UnavailableError(str(error), remedy=error.remedy) from error
        role = f"{self._prefix}{_plain(run.removeprefix('r_'))[:16]}_{self._entropy.token(8).hex()}"
        password = self._entropy.token(24).hex()
        verifier = scram_verifier(password, self._entropy.token(16))
        expires_at = self._clock.now() + int(need.lifetime_s * 1000)
        # Known before it exists, so that a sweep at the same moment leaves it alone.
        self._alive[role] = expires_at
        try:
            async with self._room:
                dsn = await self._dsn()
                handed = dsn_for(dsn, role, password)
                async with connected(dsn) as connection, connection.transaction():
                    await self._create(connection, role, verifier, need)
                    for statement in grant_statements(rights, role):
                        await connection.execute(statement)
                    missing, excess = compared(rights, await rights_held(connection, role))
                    if missing or excess:
                        raise UnavailableError(_faults([str(right) for right in missing], [str(right) for right in excess]))
        except BaseException:
            del self._alive[role]
            raise
        values = {"dsn": Secret(handed), "user": Secret(role), "password": Secret(password)}
        return Minted(id=role, values=values, expires_at=expires_at)

    async def _create(self, connection: Connection, role: str, verifier: str, need: Need) -> None:
        # The database's own clock judges VALID UNTIL, so it also sets it.
        until = await connection.fetchval(
            "select (clock_timestamp() + make_interval(secs => $1))::timestamptz(3)::text", float(need.lifetime_s)
        )
        name = quoted(role)
        await connection.execute(
            f"create role {name} login noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls "
            f"connection limit {CONNECTIONS_EACH} password {_literal(verifier)} valid until {_literal(str(until))}"
        )
        # Whoever drops what a role owns has to be a member of it.
        await connection.execute(f"grant {name} to current_user")
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            await connection.execute(f"alter role {name} set {setting} = {int(need.statement_s * 1000)}")

    async def revoke(self, minted: str) -> None:
        self._check(minted)
        self._alive.pop(minted, None)
        async with self._room, connected(await self._dsn()) as connection:
            await self._end(connection, minted)

    async def sweep(self) -> tuple[str, ...]:
        ended: list[str] = []
        async with self._room, connected(await self._dsn()) as connection:
            query = "select rolname from pg_roles where left(rolname, $1) = $2 order by rolname limit $3"
            rows = await connection.fetch(query, len(self._prefix), self._prefix, _MOST_SWEPT)
            now, failed = self._clock.now(), ""
            for role in (str(row[0]) for row in rows):
                if self._alive.get(role, 0) > now:
                    continue
                try:
                    await self._end_by_itself(role)
                except UnavailableError as error:
                    failed = f"{role} could not be ended: {error}"
                    logger.error("%s", failed)
                else:
                    ended.append(role)
        if failed and not ended:
            raise UnavailableError(failed)
        return tuple(ended)

    async def close(self) -> None:
        """Nothing stays open between two uses."""

    async def _end_by_itself(self, role: str) -> None:
        """On a connection of its own: a refused statement spoils nothing for the next role."""
        async with connected(await self._dsn()) as connection:
            await self._end(connection, role)
        self._alive.pop(role, None)

    async def _end(self, connection: Connection, role: str) -> None:
        oid = await connection.fetchval("select oid from pg_roles where rolname = $1", role)
        if oid is None:
            return
        name = quoted(role)
        await connection.execute(f"alter role {name} nologin connection limit 0 password null valid until '-infinity'")
        await _disconnect(connection, oid)
        async with connection.transaction():
            await connection.execute(f"drop owned by {name}")
            await connection.execute(f"drop role {name}")
        # One that was just logging in may have passed the first look.
        await _disconnect(connection, oid)

    def _check(self, minted: str) -> None:
        if not minted.startswith(self._prefix):
            raise UnavailableError("a role that this minter has not made is not ended")


async def _disconnect(connection: Connection, oid: object) -> None:
    """End the role's sessions, and wait until they have ended. Raises UnavailableError."""
    ended = await connection.fetch(
        "select pg_terminate_backend(pid, $2) from pg_stat_activity where usesysid = $1 and pid <> pg_backend_pid()",
        oid,
        END_MS,
    )
    if not all(row[0] for row in ended):
        raise UnavailableError("a connection of the role does not end")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _literal(text: str) -> str:
    """Of text that we have made ourselves: a verifier, a time."""
    if "'" in text or "\\" in text:
        raise UnavailableError("a literal cannot be quoted")
    return f"'{text}'"


def _faults(missing: list[str], excess: list[str]) -> str:
    words = [f"it would lack {', '.join(missing[:5])}"] if missing else []
    words += [f"everybody may {', '.join(excess[:5])} (revoke that from PUBLIC)"] if excess else []
    return f"a role with exactly the listed grants cannot be made: {'; '.join(words)}"
