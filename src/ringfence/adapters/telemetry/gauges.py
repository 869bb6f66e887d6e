"""How the gateway stands, as Prometheus gauges, made anew for each scrape. Pure but for the library's types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ringfence.adapters.telemetry.counters import MICRO
from ringfence.ports.metrics import GatewayState, MeterState
from ringfence.ports.upstream import HealthState

_FINE: Final = frozenset({HealthState.UP.value, HealthState.IDLE.value})
_METER: Final = ("kind", "owner", "of", "window_seconds")
Rows = Iterable[tuple[Sequence[str], float]]


class StateCollector(Collector):
    """One state."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        state = self._state
        yield _gauge("build_info", "The version that runs.", ("version",), [((state.version,), 1)])
        yield _one("ready", "Whether calls can be decided and recorded.", int(state.is_ready))
        if state.started_at is not None:
            yield _one("start_time_seconds", "When this process began to serve.", state.started_at / 1000)
        yield _gauge("runs_open", "Open runs.", ("agent",), _rows(state.runs_open))
        about = "Allowed calls without an outcome; each holds what it may cost. Of model.messages: open requests."
        yield _gauge("calls_under_way", about, ("tool",), _rows(state.calls_under_way))
        yield _gauge("approvals_pending", "Approvals that wait for a person.", ("agent",), _rows(state.approvals_pending))
        if state.pending_since is not None:
            about = "When the approval was asked for that has waited longest."
            yield _one("approval_oldest_timestamp_seconds", about, state.pending_since / 1000)
        yield _gauge("stops_in_force", "Stops in force.", ("mode", "scope"), sorted(state.stops.items()))
        yield from _meters(state.meters)
        yield from _servers(state)
        yield from _log(state)


def _meters(meters: Sequence[MeterState]) -> Iterator[Metric]:
    known = [((one.kind, one.owner, one.of, str(one.window_s)), one) for one in meters]
    yield _gauge(
        "budget_used", "Held and spent of a cap that runs share.", _METER, ((at, _units(one, one.used)) for at, one in known)
    )
    yield _gauge("budget_held", "Of that, held by calls under way.", _METER, ((at, _units(one, one.held)) for at, one in known))
    yield _gauge("budget_cap", "The cap.", _METER, ((at, _units(one, one.cap)) for at, one in known))


def _servers(state: GatewayState) -> Iterator[Metric]:
    servers = state.servers
    yield _gauge(
        "server_up", "Whether an MCP server is well.", ("server",), (((s.server,), int(s.state in _FINE)) for s in servers)
    )
    yield _gauge(
        "server_state", "1 for the state that it is in.", ("server", "state"), (((s.server, s.state), 1) for s in servers)
    )
    about = "Its processes, or its sessions of the older era."
    yield _gauge("server_running", about, ("server",), (((s.server,), s.running) for s in servers))
    restarts = CounterMetricFamily("ringfence_server_restarts", "Processes that had to be started anew.", labels=["server"])
    for server in servers:
        restarts.add_metric([server.server], server.restarts)
    yield restarts


def _log(state: GatewayState) -> Iterator[Metric]:
    if state.log_size is not None:
        yield _one("log_size_entries", "Entries in the log.", state.log_size)
    if state.log_signed is not None:
        yield _one("log_signed_entries", "Entries under the newest checkpoint.", state.log_signed)
    if state.log_signed_at is not None:
        yield _one("log_checkpoint_timestamp_seconds", "When it was signed.", state.log_signed_at / 1000)
    if state.log_cosigned is not None:
        yield _one("log_cosigned_entries", "Entries under a head with enough cosignatures.", state.log_cosigned)


def _units(meter: MeterState, amount: int) -> float:
    return amount / MICRO if meter.is_micro else amount


def _rows(counts: Mapping[str, int]) -> Rows:
    return (((name,), count) for name, count in sorted(counts.items()))


def _gauge(name: str, about: str, labels: Sequence[str], rows: Rows) -> Metric:
    family = GaugeMetricFamily(f"ringfence_{name}", about, labels=labels)
    for values, amount in rows:
        family.add_metric(values, amount)
    return family


def _one(name: str, about: str, amount: float) -> Metric:
    return GaugeMetricFamily(f"ringfence_{name}", about, value=amount)
