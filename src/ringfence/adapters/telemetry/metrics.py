"""Prometheus metrics of one gateway: a registry of its own, in the text format that every scraper reads."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import generate_latest

from ringfence.adapters.telemetry.counters import Counters
from ringfence.adapters.telemetry.gauges import StateCollector
from ringfence.ports.metrics import GatewayState

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class PrometheusMetrics:
    """Implements `ports.metrics.Metrics`; `counters` is what has to be told."""

    content_type = TEXT

    def __init__(self) -> None:
        disable_created_metrics()  # A series more for each, that this format shows as gauges.
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.counters = Counters(self._registry)

    @property
    def registry(self) -> CollectorRegistry:
        return self._registry

    def render(self, state: GatewayState) -> bytes:
        moment = CollectorRegistry()
        moment.register(StateCollector(state))
        return generate_latest(moment) + generate_latest(self._registry)
