"""What was recorded since the process began, as Prometheus counters and histograms.

A label is a name of the configuration, a word of a closed list, or `(unknown)`: the number of series is bounded by what the
operator wrote down. Money is kept in whole millionths and divided once, when somebody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final, assert_never

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ringfence.core.own_tools.modelling import Act
from ringfence.core.telemetry.events import (
    Decided,
    Ended,
    Event,
    ModelUsed,
    Recorded,
    RunBegan,
    RunEnded,
    StopLifted,
    StopSet,
    Waited,
)
from ringfence.core.telemetry.names import NONE

MICRO: Final = 1_000_000
CALL_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
MODEL_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
WAIT_S: Final = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0, 86400.0)
STORE_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
TOKENS: Final = {"plain": "input", "write_5m": "cache_write_5m", "write_1h": "cache_write_1h", "read": "cache_read"}
"""Kinds of tokens, as they are told. `output` is `output`."""
_STATUSES: Final = frozenset({200, 400, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 504, 529})


class _Spend(Collector):
    """Exact: a float that is added to drifts, a whole number does not."""

    def __init__(self) -> None:
        self._micro: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def add(self, agent: str, model: str, micro: int) -> None:
        with self._lock:
            self._micro[agent, model] = self._micro.get((agent, model), 0) + micro

    def collect(self) -> Iterable[Metric]:
        about = "What requests to models cost, in US dollars of the price table."
        family = CounterMetricFamily("ringfence_model_spend_dollars", about, labels=["agent", "model"])
        with self._lock:
            spent = dict(self._micro)
        for labels, micro in sorted(spent.items()):
            family.add_metric(list(labels), micro / MICRO)
        yield family


class Counters:
    """Implements `ports.telemetry.Telemetry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"ringfence_{name}", about, labels, registry=registry)

        def histogram(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"ringfence_{name}", about, labels, buckets=buckets, registry=registry)

        self._calls = counter("calls", "Calls decided, requests to models among them.", "agent", "tool", "decision")
        self._refusals = counter("refusals", "Calls denied or halted, by the class of the rule.", "agent", "tool", "rule")
        self._outcomes = counter("outcomes", "Allowed calls that came to their end.", "agent", "tool", "outcome")
        self._stopped = counter("calls_stopped", "Calls that a stop came over while they were under way.", "agent", "tool")
        self._call_s = histogram("call_seconds", "From the decision to the outcome. Tools alone.", CALL_S, "tool")
        self._requests = counter("model_requests", "Requests for an answer of a model that ended.", "agent", "model", "end")
        self._answers = counter("model_responses", "What model APIs answered.", "upstream", "status")
        self._tokens = counter("model_tokens", "Tokens that models took in and gave out.", "agent", "model", "kind")
        self._model_s = histogram("model_request_seconds", "From the decision to the end of the answer.", MODEL_S, "model")
        self._waits = histogram("approval_wait_seconds", "How long calls waited for a person.", WAIT_S, "outcome")
        self._approvals = counter("approvals", "Approvals that are pending no longer.", "agent", "tool", "outcome")
        self._stops = counter("stops", "Kills, pauses and disabled tools.", "mode", "scope")
        self._lifted = counter("stops_lifted", "Stops that were lifted.")
        self._began = counter("runs_opened", "Runs opened.", "agent")
        self._ended = counter("runs_closed", "Runs closed.", "agent")
        self._entries = counter("log_entries", "Entries written to the log.", "kind")
        self._store_s = histogram(
            "store_seconds", "What the store waited for the disk: `commit` a transaction, `sync` its fsync.", STORE_S, "step"
        )
        self._dropped = counter("telemetry_dropped_spans", "Spans that no collector took.")
        self._spend = _Spend()
        registry.register(self._spend)

    def tell(self, event: Event) -> None:
        match event:
            case Recorded(kind=kind):
                self._entries.labels(kind).inc()
            case Decided():
                self._calls.labels(event.agent, event.tool, event.level).inc()
                if event.rule is not None and event.level != "ask":
                    self._refusals.labels(event.agent, event.tool, event.rule.value).inc()
            case Ended():
                self._came_to(event)
            case Waited():
                self._waits.labels(event.state).observe(max(0, event.at - event.since) / 1000)
                self._approvals.labels(event.agent, event.tool, event.state).inc()
            case StopSet(mode=mode, scope=scope):
                self._stops.labels(mode.value, scope.value).inc()
            case StopLifted():
                self._lifted.inc()
            case RunBegan(agent=agent):
                self._began.labels(agent).inc()
            case RunEnded(agent=agent):
                self._ended.labels(agent).inc()
            case _:
                assert_never(event)

    def timed(self, step: str, seconds: float) -> None:
        """What the store waited for the disk. Called in its writer's thread."""
        self._store_s.labels(step).observe(seconds)

    def dropped(self, spans: int) -> None:
        """Spans that were not sent."""
        self._dropped.inc(spans)

    async def close(self) -> None:
        """There is nothing to give out: whoever wants these numbers comes for them."""

    def _came_to(self, event: Ended) -> None:
        self._outcomes.labels(event.agent, event.tool, event.ending.value).inc()
        if event.stopped:
            self._stopped.labels(event.agent, event.tool).inc()
        seconds = max(0, event.at - event.decided.at) / 1000 if event.decided is not None else None
        asked = event.decided.asked if event.decided is not None else None
        if event.used is not None:
            self._answers.labels(asked.upstream if asked is not None else NONE, status_of(event.used.status)).inc()
            if asked is None or asked.act == Act.MESSAGES:
                self._used(event.agent, event.used)
        if seconds is not None and asked is None:
            self._call_s.labels(event.tool).observe(seconds)
        elif seconds is not None and asked is not None and asked.act == Act.MESSAGES:
            self._model_s.labels(asked.model).observe(seconds)

    def _used(self, agent: str, used: ModelUsed) -> None:
        self._requests.labels(agent, used.model, used.end).inc()
        kinds = used.kinds or {"plain": used.tokens_in, "output": used.tokens_out}
        for kind, count in kinds.items():
            if count:
                self._tokens.labels(agent, used.model, TOKENS.get(kind, kind)).inc(count)
        if used.micro:
            self._spend.add(agent, used.model, used.micro)


def status_of(status: int) -> str:
    """A status as a label: those that model APIs are known to answer by themselves, others by their hundreds."""
    if not status:
        return "none"
    return str(status) if status in _STATUSES else f"{min(status // 100, 9)}xx"
