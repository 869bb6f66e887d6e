"""Who hears which greeting: the newest descriptions of the servers behind an endpoint, for one agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.adapters.pep.mcp_gateway.greeting import Greeting, greeting
from ringfence.core.model.identifiers import AgentId, ServerId
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.ports.upstream import Described


class Welcome:
    """Greetings from the catalogue as it is."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def greeting(self, agent: AgentId, server: str | None) -> Greeting:
        """What an agent hears at `/mcp/{server}`, or at `/mcp`."""
        await self._catalogue.ensure_listed(ServerId(server) if server is not None else None)
        return greeting(self._catalogue.view(agent), self._catalogue.rules, self.servers(server), server)

    async def capabilities(self, agent: AgentId, server: str | None) -> Mapping[str, Any]:
        """The capabilities of that greeting."""
        return (await self.greeting(agent, server)).capabilities

    def servers(self, server: str | None) -> dict[ServerId, Described]:
        """The servers behind an endpoint that have said what they are."""
        names = [name for name in sorted(self._catalogue.upstreams) if server in (None, name)]
        return {name: found for name in names if (found := self._catalogue.described(name)) is not None}
