"""Who is believed about people, and TLS of the data plane: from settings to adapters."""

from __future__ import annotations

import ssl

from ringfence.adapters.identity.people import PeopleOptions
from ringfence.adapters.pep.mcp_gateway.tls import server_context
from ringfence.app.config.settings import ListenSettings, OidcSettings
from ringfence.engine.secrets.secret_book import SecretBook


def people_options(settings: OidcSettings | None, secrets: SecretBook) -> PeopleOptions | None:
    """For `adapters.identity.people.OidcPeople`."""
    if settings is None:
        return None
    return PeopleOptions(
        issuer=settings.issuer,
        client=settings.client,
        secret=secrets.late(settings.secret) if settings.secret is not None else None,
        scopes=settings.scopes,
        redirect_uri=settings.redirect_uri,
        label=settings.label,
    )


def tls_of(settings: ListenSettings) -> ssl.SSLContext | None:
    """The data plane's TLS; None: plain HTTP, on this machine only. Raises: ConfigError."""
    tls = settings.tls
    if tls is None:
        return None
    return server_context(tls.cert, tls.key, client_ca=tls.client_ca, client_certs_required=tls.client_certs_required)
