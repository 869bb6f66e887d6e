"""Wires models: their upstreams, and the proxy that agents ask them through."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ringfence.adapters.models.http import HttpModel, ModelOptions
from ringfence.adapters.pep.mcp_gateway.peer import Peer
from ringfence.adapters.pep.messages_proxy.app import MessagesProxy
from ringfence.adapters.pep.messages_proxy.routes import is_below
from ringfence.app.config.settings import ModelConnection
from ringfence.app.data_plane import App, by_path
from ringfence.app.gateway import Gateway
from ringfence.app.wiring.presenting import presented_by
from ringfence.core.model.run import Posture
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.ports.clock import Clock
from ringfence.ports.model_upstream import ModelUpstream


class ModelUpstreams:
    """The adapters of one gateway's model APIs. Those whose connection stays the same stay."""

    def __init__(self, secrets: SecretBook) -> None:
        self._secrets = secrets
        self._built: dict[str, tuple[ModelConnection, HttpModel]] = {}

    def of(self, connections: Mapping[str, ModelConnection]) -> dict[str, ModelUpstream]:
        """One for each upstream of a configuration."""
        self._built = {name: self._kept(name, connection) for name, connection in connections.items()}
        return {name: built for name, (_, built) in self._built.items()}

    def _kept(self, name: str, connection: ModelConnection) -> tuple[ModelConnection, HttpModel]:
        known = self._built.get(name)
        if known is not None and known[0] == connection:
            return known
        headers = self._secrets.values(connection.headers) if connection.headers else None
        return connection, HttpModel(ModelOptions(url=connection.url, headers=headers, silence_s=connection.silence_s))


def with_models(
    gateway: Gateway, others: App, hosts: Collection[str], posture_of: Callable[[Peer], Posture], clock: Clock
) -> App:
    """The data plane with the proxy of models beside `others`."""
    proxy = MessagesProxy(
        models=gateway.models,
        observing=gateway.observing,
        enforcer=gateway.enforcer,
        catalogue=gateway.catalogue,
        store=gateway.store,
        clock=gateway.clock,
        who=presented_by(posture_of, clock),
        allowed_hosts=hosts,
    )
    return by_path(is_below, proxy, others)
