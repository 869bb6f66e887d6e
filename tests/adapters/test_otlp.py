"""Spans on their way to a collector: all of them arrive, and a collector that is gone hinders nobody."""

from __future__ import annotations

import asyncio

import pytest
from tests.servers.otlp_receiver import Collector, attributes, collector

from ringfence.adapters.telemetry.otlp import ATTEMPTS, BATCH, MOST_WAITING, OtlpOptions, OtlpTraces
from ringfence.adapters.telemetry.otlp_encoding import encoded
from ringfence.adapters.telemetry.several import SeveralTelemetry
from ringfence.adapters.telemetry.span import trace_id
from ringfence.core.explaining.rule_class import RuleClass
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.core.telemetry.events import Decided, Recorded, RunEnded
from ringfence.errors import UnavailableError
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.telemetry import FakeTelemetry

NOW = 1_800_000_000_000


def refusal(number: int, root: str = "r_root") -> Decided:
    return Decided(
        at=NOW + number,
        entry=f"e{number}",
        call=CallId(f"c_{number}"),
        run=RunId(root),
        root=RunId(root),
        agent="support",
        tool="orders.get",
        method="tools/call",
        level="deny",
        code="killed",
        rule=RuleClass.STOPPED,
    )


class Headers:
    """Implements `ports.secrets.LateValues`."""

    names = ("authorization",)

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)
        self.doubts = 0

    def fresh(self) -> None:
        """They always have to be looked up."""

    def doubt(self) -> None:
        self.doubts += 1

    async def read(self) -> dict[str, str]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            raise UnavailableError("the vault does not answer")
        return {"authorization": answer}


def traces(
    to: Collector | str,
    clock: FakeClock,
    dropped: list[int] | None = None,
    *,
    headers: Headers | None = None,
    sample: float = 1.0,
) -> OtlpTraces:
    endpoint = to if isinstance(to, str) else to.endpoint
    lost = dropped if dropped is not None else []
    about = {"service.name": "ringfence"}
    given = OtlpOptions(endpoint=endpoint, headers=headers, sample=sample, resource=about, version="9")
    return OtlpTraces(given, encoded, clock, lost.append)


async def gathered(clock: FakeClock) -> None:
    """Let what waits for more be sent."""
    await clock.until_sleeping()
    clock.advance(60_000)


async def test_a_span_arrives_as_the_protocol_says_it() -> None:
    clock = FakeClock()
    async with collector() as at:
        sent = traces(at, clock, headers=Headers("Bearer t0ken"))
        sent.tell(refusal(7))
        await gathered(clock)
        (span,) = await at.until(1)
        await sent.close()
    (request,) = at.requests
    (of_resource,) = request.resource_spans
    assert [(each.key, each.value.string_value) for each in of_resource.resource.attributes] == [("service.name", "ringfence")]
    assert (of_resource.scope_spans[0].scope.name, of_resource.scope_spans[0].scope.version) == ("ringfence", "9")
    assert (span.name, span.kind, span.trace_id) == ("tools/call orders.get", 2, trace_id("r_root"))
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == ((NOW + 7) * 10**6, (NOW + 7) * 10**6)
    assert (len(span.trace_id), len(span.span_id), len(span.parent_span_id)) == (16, 8, 8)
    assert span.status.code == 2
    assert attributes(span)["error.type"] == "stopped"
    assert at.headers[0]["authorization"] == "Bearer t0ken"


async def test_many_are_sent_in_batches_and_none_is_lost_or_doubled() -> None:
    clock, dropped = FakeClock(), list[int]()
    async with collector() as at:
        sent = traces(at, clock, dropped)
        for number in range(3 * BATCH + 5):
            sent.tell(refusal(number))
        await at.until(3 * BATCH)
        await gathered(clock)
        spans = await at.until(3 * BATCH + 5)
        await sent.close()
    assert len({span.span_id for span in spans}) == len(spans) == 3 * BATCH + 5
    assert len(at.requests) == 4
    assert dropped == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_collector_that_is_busy_is_asked_again(status: int) -> None:
    clock, dropped = FakeClock(), list[int]()
    async with collector() as at:
        at.statuses = [status, status]
        sent = traces(at, clock, dropped)
        sent.tell(refusal(1))
        await gathered(clock)
        for tries in (1, 2):
            await at.until(refused=tries)
            await gathered(clock)
        await at.until(1)
        await sent.close()
    assert dropped == []


@pytest.mark.parametrize("status", [400, 401, 404, 307, 500])
async def test_one_that_refuses_is_not_asked_again_and_hears_of_the_next(status: int) -> None:
    clock, dropped = FakeClock(), list[int]()
    async with collector() as at:
        at.statuses = [status]
        sent = traces(at, clock, dropped)
        sent.tell(refusal(1))
        await gathered(clock)
        await at.until(refused=1)
        sent.tell(refusal(2))
        await gathered(clock)
        (span,) = await at.until(1)
        await sent.close()
    assert attributes(span)["ringfence.call.id"] == "c_2"
    assert dropped == [1]


async def test_a_collector_that_is_gone_costs_bounded_memory_and_the_end_waits_for_nobody() -> None:
    clock, dropped = FakeClock(), list[int]()
    sent = traces("http://127.0.0.1:9", clock, dropped)
    for number in range(MOST_WAITING + 100):
        sent.tell(refusal(number))
    assert sum(dropped) == 100
    for _ in range(ATTEMPTS - 1):
        await gathered(clock)
    await sent.close()
    assert sum(dropped) == MOST_WAITING + 100


async def test_a_token_that_cannot_be_had_is_waited_for() -> None:
    clock, dropped = FakeClock(), list[int]()
    async with collector() as at:
        sent = traces(at, clock, dropped, headers=Headers(None, "Bearer t0ken"))
        sent.tell(refusal(1))
        await gathered(clock)
        await gathered(clock)
        await at.until(1)
        await sent.close()
    assert dropped == []


async def test_a_token_that_is_refused_is_looked_up_anew() -> None:
    clock, headers = FakeClock(), Headers("Bearer old", "Bearer new")
    async with collector() as at:
        at.statuses = [401]
        sent = traces(at, clock, headers=headers)
        sent.tell(refusal(1))
        await gathered(clock)
        await at.until(refused=1)
        sent.tell(refusal(2))
        await gathered(clock)
        await at.until(1)
        await sent.close()
    assert (headers.doubts, at.headers[0]["authorization"]) == (1, "Bearer new")


async def test_tasks_are_sampled_whole_and_not_by_what_an_agent_says() -> None:
    clock = FakeClock()
    async with collector() as at:
        sent = traces(at, clock, sample=0.25)
        for number in range(400):
            root = f"r_{number}"
            sent.tell(refusal(2 * number, root))
            sent.tell(refusal(2 * number + 1, root))
            sent.tell(RunEnded(at=NOW, since=NOW, run=RunId(root), root=RunId(root), parent=None, agent="support"))
        await sent.close()
        spans = await at.until(1)
    by_trace: dict[bytes, int] = {}
    for span in spans:
        by_trace[span.trace_id] = by_trace.get(span.trace_id, 0) + 1
    assert set(by_trace.values()) == {3}
    assert 60 < len(by_trace) < 140


async def test_none_is_none() -> None:
    async with collector() as at:
        sent = traces(at, FakeClock(), sample=0.0)
        sent.tell(refusal(1))
        await sent.close()
    assert at.spans == []


async def test_what_is_no_span_wakes_nobody() -> None:
    sent = traces("http://127.0.0.1:9", FakeClock())
    sent.tell(Recorded("decision"))
    await sent.close()


async def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    async with collector() as at, collector() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", proxy.endpoint)
        sent = traces(at, clock)
        sent.tell(refusal(1))
        await sent.close()
        await at.until(1)
    assert proxy.requests == []


async def test_what_waits_for_one_collector_is_given_to_it_when_another_takes_its_place() -> None:
    counted = FakeTelemetry()
    clock = FakeClock()
    async with collector() as before, collector() as after:
        told = SeveralTelemetry(counted, traces(before, clock))
        told.tell(refusal(1))
        told.switch(traces(after, clock))
        told.tell(refusal(2))
        await told.close()
        await asyncio.gather(before.until(1), after.until(1))
    assert [attributes(before.spans[0])["ringfence.call.id"], attributes(after.spans[0])["ringfence.call.id"]] == ["c_1", "c_2"]
    assert len(counted.events) == 2


def test_a_collectors_address_and_token_are_not_shown() -> None:
    options = OtlpOptions(endpoint="https://t0ken.example:4318", headers=Headers("Bearer t0ken"))
    assert "t0ken" not in repr(options)
