"""Wires models: their upstreams, and the proxy that agents ask them through."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ringfence.adapters.models.http import HttpModel, ModelOptions
from ringfence.adapters.pep.mcp_gateway.peer import Peer, peer_of
from ringfence.adapters.pep.messages_proxy.app import MessagesProxy
from ringfence.adapters.pep.messages_proxy.routes import is_below
from ringfence.app.config.settings import ModelConnection
from ringfence.app.data_plane import App, by_path
from ringfence.app.gateway import Gateway
from ringfence.core.model.run import Posture
from ringfence.engine.identity.identify import Presented
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

    def who(scope: Mapping[str, Any], credential: str) -> tuple[Presented, ...]:
        peer = peer_of(scope)
        # A run below the box's own has a credential; of anything else that is sent as a key the listener says whose it is.
        shown = (credential,) if peer.box is None else ((credential,) if credential else ()) + (peer.box.credential,)
        until = peer.certificate.until if peer.certificate is not None else None
        return tuple(Presented(each, posture_of(peer), peer.senders(clock.now()), until=until) for each in shown)

    proxy = MessagesProxy(
        models=gateway.models,
        observing=gateway.observing,
        enforcer=gateway.enforcer,
        catalogue=gateway.catalogue,
        store=gateway.store,
        clock=gateway.clock,
        who=who,
        allowed_hosts=hosts,
    )
    return by_path(is_below, proxy, others)
