"""Wires the authorization servers that give tokens in the name of users."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.adapters.identity.token_exchange import ClientAuth, ExchangeOptions, Rfc8693Exchange
from ringfence.app.config.settings import ExchangeSettings, ServerConnection
from ringfence.core.model.identifiers import ServerId
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.ports.clock import Clock
from ringfence.ports.exchange import TokenExchange


def exchanges_of(
    servers: Mapping[ServerId, ServerConnection], secrets: SecretBook, clock: Clock
) -> Mapping[ServerId, TokenExchange]:
    """The exchanges of a configuration, by server. Those of another one are others: their tokens are not used any more."""
    return {
        server: Rfc8693Exchange(_options(connection.exchange, secrets), clock)
        for server, connection in servers.items()
        if connection.exchange is not None
    }


def _options(settings: ExchangeSettings, secrets: SecretBook) -> ExchangeOptions:
    return ExchangeOptions(
        token_url=settings.token_url,
        client_id=settings.client_id,
        client_secret=secrets.late(settings.client_secret),
        client_auth=ClientAuth(settings.client_auth),
        audience=settings.audience,
        resource=settings.resource,
        scope=settings.scope,
        subject_kind=settings.subject_type,
        actor=secrets.late(settings.actor) if settings.actor is not None else None,
        actor_kind=settings.actor_type,
    )
