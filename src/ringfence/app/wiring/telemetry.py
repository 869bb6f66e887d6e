"""Wires charts and traces."""

from __future__ import annotations

import logging
from hmac import compare_digest
from importlib import import_module
from importlib.metadata import version
from typing import cast

from ringfence.adapters.system.clock import SystemClock
from ringfence.adapters.telemetry.metrics import PrometheusMetrics
from ringfence.adapters.telemetry.otlp import Encode, OtlpOptions, OtlpTraces
from ringfence.adapters.telemetry.several import SeveralTelemetry
from ringfence.app.config.settings import OtlpSettings
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import SecretRef

logger = logging.getLogger(__name__)

SHORTEST_TOKEN = 20
"""Characters of a scraper's token: whoever may connect may guess."""


class GatewayTelemetry:
    """Of one gateway."""

    def __init__(self, settings: OtlpSettings | None, token: SecretRef | None, secrets: SecretBook) -> None:
        self._secrets = secrets
        self._settings = settings
        self._token = token
        self.metrics = PrometheusMetrics()
        self.told = SeveralTelemetry(self.metrics.counters, self._traces(settings))

    def replace(self, settings: OtlpSettings | None, token: SecretRef | None) -> None:
        """What a new configuration says. A collector that stays the same keeps what waits for it."""
        self._token = token
        if settings != self._settings:
            self._settings = settings
            self.told.switch(self._traces(settings))

    async def admits(self, shown: str) -> bool:
        """Whether this is the scraper's token."""
        if self._token is None or not shown:
            return False
        try:
            token = (await self._secrets.late(self._token)()).reveal().strip()
        except UnavailableError as error:
            logger.error("nobody can scrape with a token: %s", error)
            return False
        if len(token) < SHORTEST_TOKEN:
            logger.error("the scraper's token is shorter than %d characters, so it opens nothing", SHORTEST_TOKEN)
            return False
        return compare_digest(token.encode(), shown.encode())

    def _traces(self, settings: OtlpSettings | None) -> OtlpTraces | None:
        if settings is None:
            return None
        # Its types are an extra's, so it is loaded here alone. That they are there was checked with the configuration.
        encode = cast(Encode, import_module("ringfence.adapters.telemetry.otlp_encoding").encoded)
        own = version("ringfence")
        options = OtlpOptions(
            endpoint=settings.endpoint,
            headers=self._secrets.values(settings.headers) if settings.headers else None,
            sample=settings.sample,
            resource={"service.name": "ringfence", "service.version": own},
            version=own,
        )
        return OtlpTraces(options, encode, SystemClock(), self.metrics.counters.dropped)
