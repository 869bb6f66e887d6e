"""`/metrics`: read with Prometheus's own parser, and held against the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tests.app.control_kit import Answer, Desk
from tests.engine.test_metered_tree import a_body, ask, priced, rules_for

from ringfence.adapters.telemetry.counters import status_of
from ringfence.adapters.telemetry.metrics import PrometheusMetrics
from ringfence.app.control.scraping import Scraping
from ringfence.core.model.limits import UseLimits
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.telemetry.events import Ending, ModelAsked, ModelUsed
from ringfence.ports.metrics import GatewayState, MeterState, ServerState
from ringfence.testing.contracts.telemetry import decision, end
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

DAY = 86_400_000
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Samples:
    """Every sample by its name and labels. Raises ValueError where a name stands twice."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def of(samples: Samples, name: str, **labels: str) -> float:
    """The sum of a name's samples that have these labels."""
    wanted = set(labels.items())
    return sum(value for (known, has), value in samples.items() if known == name and wanted <= has)


async def a_desk(world: World, metrics: PrometheusMetrics) -> Desk:
    return await Desk.open(world, scraping=Scraping(metrics))


async def asked(desk: Desk, method: str = "GET", credential: str = "") -> Answer:
    return await desk.page(method, "/metrics", headers={"authorization": f"Bearer {credential}"} if credential else {})


async def scraped(desk: Desk) -> Samples:
    answer = await asked(desk, credential=desk.credentials["vi"])
    assert answer.status == 200, answer.text
    assert answer.raw.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parsed(answer.text)


async def test_counters_agree_with_the_log_after_a_mixed_workload() -> None:
    metrics = PrometheusMetrics()
    world = await World.build(telemetry=metrics.counters)
    desk = await a_desk(world, metrics)
    support, reader = await world.open_run(), await world.open_run("reader")
    for order in ("A1", "A2", "A3"):
        await world.call(support, "orders__get", {"order": order})
    await world.call(support, "orders__boom", {"order": "A1"})
    await world.call(support, "orders__get", {"order": 7})
    await world.call(reader, "payments__refund", {"order": "A1", "amount": 1})
    await world.call(reader, "made-up-by-the-agent", {})
    ticket = await world.ask(support)
    world.clock.advance(7000)
    await world.approve(ticket)
    await world.claim(support, ticket)
    denied = await world.ask(support, arguments={"order": "A1", "amount": 9})
    await world.deny(denied)
    waiting = await world.ask(support, arguments={"order": "A1", "amount": 11})
    await world.stops.stop(StopMode.PAUSE, Scope(ScopeKind.AGENT, "reader"), reason="", by="operator:ada")
    await world.call(reader, "orders__get", {"order": "A1"})
    await world.runs.close(reader.run.id, by="operator:ada", why="done")

    samples = await scraped(desk)
    entries = await world.entries()
    decided = [entry for entry in entries if entry["kind"] == "decision"]
    outcomes = [entry for entry in entries if entry["kind"] == "outcome"]
    for level, count in Counter(entry["decision"] for entry in decided).items():
        assert of(samples, "ringfence_calls_total", decision=level) == count
    assert of(samples, "ringfence_outcomes_total") == len(outcomes)
    assert of(samples, "ringfence_outcomes_total", outcome="failed", tool="orders.boom") == 1
    assert of(samples, "ringfence_call_seconds_count") == len(outcomes)
    for kind, count in Counter(entry["kind"] for entry in entries).items():
        assert of(samples, "ringfence_log_entries_total", kind=kind) == count
    assert of(samples, "ringfence_log_size_entries") == len(entries)
    assert of(samples, "ringfence_refusals_total", agent="support", rule="arguments") == 1
    assert of(samples, "ringfence_refusals_total", agent="reader", rule="unknown_tool") == 2
    assert of(samples, "ringfence_refusals_total", agent="reader", rule="stopped") == 1
    assert of(samples, "ringfence_calls_total", tool="(unknown)") == 1
    assert of(samples, "ringfence_approvals_total", outcome="approved", tool="payments.refund") == 1
    assert of(samples, "ringfence_approvals_total", outcome="denied") == 1
    assert of(samples, "ringfence_approval_wait_seconds_sum", outcome="approved") == 7
    assert of(samples, "ringfence_approvals_pending", agent="support") == 1
    assert of(samples, "ringfence_approval_oldest_timestamp_seconds") == waiting.created_at / 1000
    assert of(samples, "ringfence_stops_total", mode="pause", scope="agent") == 1
    assert of(samples, "ringfence_stops_in_force", mode="pause", scope="agent") == 1
    assert (of(samples, "ringfence_runs_opened_total"), of(samples, "ringfence_runs_open")) == (2, 1)
    assert of(samples, "ringfence_ready") == 1
    assert of(samples, "ringfence_server_up", server="orders") == 1
    assert "made-up" not in str(samples)


async def test_money_and_tokens_are_what_the_answers_reported() -> None:
    spent = [{"input_tokens": 100, "output_tokens": each} for each in (5, 7, 11)]
    answers = iter(spent)

    def usage(_: Mapping[str, Any]) -> Mapping[str, int]:
        return next(answers)

    caps = (ModelCap(MeterKind.SPEND, 10**9, DAY), ModelCap(MeterKind.TOKENS, 10**9))
    rules = rules_for(*caps)
    rules = replace(
        rules,
        agents={SUPPORT: replace(rules.agents[SUPPORT], team="care")},
        teams={"care": ModelLimits(caps=(ModelCap(MeterKind.TOKENS_OUT, 10**6, DAY),))},
    )
    metrics = PrometheusMetrics()
    world = await World.build(rules=rules, models={"vendor": FakeModel(usage)}, telemetry=metrics.counters)
    opened = await world.open_run()
    for _ in spent:
        await ask(world, opened, a_body(400))
    samples = await scraped(await a_desk(world, metrics))
    model = {"agent": "support", "model": "claude-sonnet-4-5"}
    assert of(samples, "ringfence_model_spend_dollars_total", **model) * 10**6 == sum(map(priced, spent))
    assert of(samples, "ringfence_model_tokens_total", kind="input", **model) == 300
    assert of(samples, "ringfence_model_tokens_total", kind="output", **model) == 23
    assert of(samples, "ringfence_model_requests_total", end="complete", **model) == 3
    assert of(samples, "ringfence_model_responses_total", upstream="vendor", status="200") == 3
    assert of(samples, "ringfence_model_request_seconds_count", model="claude-sonnet-4-5") == 3
    window = {"owner": "agent/support", "of": "all", "window_seconds": "86400"}
    assert of(samples, "ringfence_budget_used", kind="spend", **window) * 10**6 == sum(map(priced, spent))
    assert of(samples, "ringfence_budget_cap", kind="spend", **window) == 1000
    assert of(samples, "ringfence_budget_held", kind="spend", **window) == 0
    assert of(samples, "ringfence_budget_used", kind="tokens_out", owner="team/care") == 23
    assert opened.run.id not in str(samples)


async def test_no_run_makes_a_series() -> None:
    metrics = PrometheusMetrics()
    rules = rules_for(ModelCap(MeterKind.SPEND, 10**9))
    world = await World.build(rules=rules, telemetry=metrics.counters)
    desk = await a_desk(world, metrics)
    await world.open_run()
    before = set(await scraped(desk))
    for _ in range(20):
        await world.open_run()
    assert set(await scraped(desk)) == before


async def test_it_is_for_operators_alone() -> None:
    desk = await a_desk(await World.build(), PrometheusMetrics())
    assert (await asked(desk)).status == 401
    opened = await desk.world.open_run()
    assert (await asked(desk, credential=opened.credential)).status == 401
    assert (await asked(desk, "POST", desk.credentials["vi"])).status == 405


async def test_a_scrapers_token_opens_it_and_nothing_else() -> None:
    async def admits(shown: str) -> bool:
        return shown == "t0ken-of-the-scraper"

    world = await World.build()
    desk = await Desk.open(world, scraping=Scraping(PrometheusMetrics(), admits))
    assert (await asked(desk, credential="t0ken-of-the-scraper")).status == 200
    assert (await asked(desk, credential="another")).status == 401
    assert (await asked(desk)).status == 401
    given = {"authorization": "Bearer t0ken-of-the-scraper"}
    for path in ("/status", "/audit", "/runs", "/approvals", "/usage"):
        assert (await desk.api("GET", path, by=None, headers=given)).status == 401
    assert (await desk.page("GET", "/approvals", headers=given)).status in (303, 401)


async def test_it_answers_while_nothing_can_be_recorded() -> None:
    class Degraded:
        def __init__(self, store: Any) -> None:
            self._store = store

        def is_degraded(self) -> str:
            return "the disk is full"

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

    world = await World.build()
    desk = await Desk.open(world, scraping=Scraping(PrometheusMetrics()), store=Degraded(world.store))
    samples = await scraped(desk)
    assert of(samples, "ringfence_ready") == 0
    assert ("ringfence_log_size_entries", frozenset()) not in samples
    assert of(samples, "ringfence_server_up") == 2


def test_every_number_of_a_state_is_shown_in_base_units() -> None:
    meter = MeterState(
        kind="spend", owner="gateway", of="all", window_s=3600, used=2_500_000, held=500_000, cap=5_000_000, is_micro=True
    )
    calls = MeterState(kind="model_calls", owner="team/a", of="all", window_s=60, used=3, held=0, cap=9, is_micro=False)
    state = GatewayState(
        version="1.2.3",
        is_ready=True,
        started_at=1_700_000_000_500,
        meters=(meter, calls),
        servers=(ServerState(server="orders", state="backing_off", restarts=3, running=1),),
        log_size=12,
        log_signed=10,
        log_signed_at=1_700_000_000_000,
        log_cosigned=8,
    )
    samples = parsed(PrometheusMetrics().render(state).decode())
    assert of(samples, "ringfence_build_info", version="1.2.3") == 1
    assert of(samples, "ringfence_start_time_seconds") == 1_700_000_000.5
    assert of(samples, "ringfence_budget_used", owner="gateway") == 2.5
    assert of(samples, "ringfence_budget_held", owner="gateway") == 0.5
    assert of(samples, "ringfence_budget_cap", owner="team/a") == 9
    assert of(samples, "ringfence_server_up", server="orders") == 0
    assert of(samples, "ringfence_server_state", server="orders", state="backing_off") == 1
    assert of(samples, "ringfence_server_restarts_total", server="orders") == 3
    assert (of(samples, "ringfence_log_signed_entries"), of(samples, "ringfence_log_cosigned_entries")) == (10, 8)
    assert of(samples, "ringfence_log_checkpoint_timestamp_seconds") == 1_700_000_000
    assert of(samples, "process_resident_memory_bytes") > 0


def test_counting_tokens_is_no_request_for_an_answer() -> None:
    metrics = PrometheusMetrics()
    for act in ("count_tokens", "models", "messages"):
        asked = ModelAsked(act=act, model="claude-opus-4-5", upstream="main", max_tokens=0, stream=False)
        used = ModelUsed(model="claude-opus-4-5", end="complete", status=200, micro=0, tokens_in=0, tokens_out=0)
        metrics.counters.tell(end(Ending.RETURNED, decision(asked=asked), used))
    samples = parsed(metrics.render(GatewayState(version="1", is_ready=True)).decode())
    assert of(samples, "ringfence_model_responses_total") == 3
    assert of(samples, "ringfence_model_requests_total") == 1
    assert of(samples, "ringfence_model_request_seconds_count") == 1
    assert of(samples, "ringfence_call_seconds_count") == 0


def test_statuses_are_few_whatever_an_api_answers() -> None:
    labels = {status_of(status) for status in range(2000)}
    assert {"none", "200", "429", "529", "5xx"} <= labels
    assert len(labels) < 30


async def test_the_store_says_how_long_the_disk_took() -> None:
    metrics = PrometheusMetrics()
    metrics.counters.timed("sync", 0.004)
    metrics.counters.timed("commit", 0.0002)
    samples = parsed(metrics.render(GatewayState(version="1", is_ready=True)).decode())
    assert of(samples, "ringfence_store_seconds_sum", step="sync") == 0.004
    assert of(samples, "ringfence_store_seconds_bucket", step="commit", le="0.00025") == 1


async def test_a_limit_of_everything_is_one_series_however_many_agents_share_it() -> None:
    metrics = PrometheusMetrics()
    world = await World.build(rules=replace(shop_rules(), limits=UseLimits(concurrent=4)), telemetry=metrics.counters)
    samples = await scraped(await a_desk(world, metrics))
    assert of(samples, "ringfence_budget_cap", kind="open", owner="gateway") == 4
