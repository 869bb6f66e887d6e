"""Wires charts and traces."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import cast

from ringfence.adapters.system.clock import SystemClock
from ringfence.adapters.telemetry.metrics import PrometheusMetrics
from ringfence.adapters.telemetry.otlp import Encode, OtlpOptions, OtlpTraces
from ringfence.adapters.telemetry.several import SeveralTelemetry
from ringfence.app.config.settings import OtlpSettings
from ringfence.engine.secret_book import SecretBook


class GatewayTelemetry:
    """Of one gateway."""

    def __init__(self, settings: OtlpSettings | None, secrets: SecretBook) -> None:
        self._secrets = secrets
        self._settings = settings
        self.metrics = PrometheusMetrics()
        self.told = SeveralTelemetry(self.metrics.counters, self._traces(settings))

    def replace(self, settings: OtlpSettings | None) -> None:
        """What a new configuration says. A collector that stays the same keeps what waits for it."""
        if settings != self._settings:
            self._settings = settings
            self.told.switch(self._traces(settings))

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
