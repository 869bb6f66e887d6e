"""The connection to the server behind a terminated host."""

from __future__ import annotations

import asyncio
import ssl

from ringfence.adapters.pep.egress.dialling import addresses_for, dialled
from ringfence.adapters.pep.egress.gate import Dialler, Resolver
from ringfence.adapters.pep.egress.wire import Wire
from ringfence.core.egress.opening import Refusal
from ringfence.core.model.egress import EgressRule


class Upstream:
    """At most one connection at a time, made when the first request is admitted. The name is resolved once."""

    def __init__(
        self, rule: EgressRule, resolver: Resolver, dialler: Dialler, trusted: ssl.SSLContext, patience_s: float
    ) -> None:
        self._rule, self._resolver, self._dialler, self._trusted = rule, resolver, dialler, trusted
        self._patience_s = patience_s
        self._addresses: tuple[str, ...] = ()
        self._wire: Wire | None = None

    async def connected(self) -> tuple[Wire, bool] | Refusal:
        """The connection, and whether it has been used before."""
        if self._wire is not None and self._wire.is_usable:
            return self._wire, True
        self.drop()
        try:
            async with asyncio.timeout(self._patience_s):
                made = await self._made()
        except TimeoutError:
            return Refusal("unreachable", 502, "no connection in time")
        except ssl.SSLCertVerificationError as error:
            return Refusal("certificate", 502, f"the server's certificate: {error.verify_message}")
        except OSError as error:
            return Refusal("unreachable", 502, f"no TLS with the server: {type(error).__name__}")
        if isinstance(made, Refusal):
            return made
        self._wire = made
        return made, False

    def drop(self) -> None:
        """Close it; the next request has another."""
        if self._wire is not None:
            self._wire.abort()
            self._wire = None

    async def _made(self) -> Wire | Refusal:
        if not self._addresses:
            addresses = await addresses_for(self._resolver, self._rule)
            if isinstance(addresses, Refusal):
                return addresses
            self._addresses = addresses
        outside = await dialled(self._dialler, self._addresses, self._rule.port)
        if isinstance(outside, Refusal):
            return outside
        try:
            _, wire = await asyncio.get_running_loop().create_connection(
                Wire,
                sock=outside,
                ssl=self._trusted if self._rule.tls else None,
                server_hostname=self._rule.host if self._rule.tls else None,
            )
        except BaseException:
            outside.close()
            raise
        return wire
