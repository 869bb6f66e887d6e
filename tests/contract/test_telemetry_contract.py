"""Every telemetry keeps the contract: the counters, traces to a collector that is gone, both together, and the fake."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from ringfence.adapters.telemetry.counters import Counters
from ringfence.adapters.telemetry.otlp import OtlpOptions, OtlpTraces
from ringfence.adapters.telemetry.otlp_encoding import encoded
from ringfence.adapters.telemetry.several import SeveralTelemetry
from ringfence.ports.telemetry import Telemetry
from ringfence.testing.contracts.telemetry import TelemetryContract
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.telemetry import FakeTelemetry

NOBODY = OtlpOptions(endpoint="http://127.0.0.1:9")


class TestCounters(TelemetryContract):
    def telemetry(self) -> Telemetry:
        return Counters(CollectorRegistry())


class TestOtlpTraces(TelemetryContract):
    def telemetry(self) -> Telemetry:
        return OtlpTraces(NOBODY, encoded, FakeClock())


class TestSeveral(TelemetryContract):
    def telemetry(self) -> Telemetry:
        return SeveralTelemetry(Counters(CollectorRegistry()), OtlpTraces(NOBODY, encoded, FakeClock()))


class TestTheFake(TelemetryContract):
    def telemetry(self) -> Telemetry:
        return FakeTelemetry()
