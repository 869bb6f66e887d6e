"""A real gateway with tools, models and people: scraped like Prometheus does, its traces taken by a real OTLP service."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import pytest
from tests.app.test_metrics import Samples, of, parsed
from tests.servers.gateway_process import PATIENCE_S, Clients, GatewayProcess, People
from tests.servers.metered_gateway import KEY, MODEL, configuration, scripted
from tests.servers.model_server import ModelServer, model_server
from tests.servers.otlp_receiver import attributes, collector
from tests.servers.swift_shop import SWIFT

from ringfence.adapters.telemetry.span import span_id, trace_id
from ringfence.adapters.wire.mcp import modern_headers, modern_meta

CANARY = "canary-8c21"
TOKEN = "a-token-for-the-scraper-7f3a"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
_SMALL = {"reversible": True, "bounded": True, "costs_money": False, "identity": False, "outbound": False}
TOOLS: Mapping[str, Any] = {
    "piped.look": {"effect": "read", "sensitivity": "public", **_SMALL},
    "piped.put": {"effect": "write", "sensitivity": "internal", "authority": [], **_SMALL},
    "piped.pay": {"sensitivity": "internal", "authority": [], "bounded": True, "identity": False, "outbound": False},
}


@dataclass(frozen=True, slots=True)
class Shop:
    process: GatewayProcess
    people: People
    clients: Clients
    model: ModelServer
    control: str
    scraper: str
    """The credential of a viewer."""

    async def scrape(self) -> Samples:
        headers = {"authorization": f"Bearer {self.scraper}"}
        async with aiohttp.ClientSession() as http, http.get(f"{self.control}metrics", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return parsed(await answer.text())

    def asking(self, credential: str) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(api_key=credential, base_url=f"{self.process.url}/anthropic", max_retries=0)

    async def traced(self, credential: str, tool: str, arguments: Mapping[str, Any]) -> None:
        """One call whose client says which span of its own it belongs to."""
        meta = {**modern_meta(), "traceparent": f"00-{TRACE}-{SPAN}-01"}
        params = {"name": tool, "arguments": dict(arguments), "_meta": meta}
        headers = {
            "Authorization": f"Bearer {credential}",
            "Accept": "application/json, text/event-stream",
            **modern_headers("tools/call", tool),
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.process.url}/mcp", json=message, headers=headers) as answer,
        ):
            assert "result" in await answer.text()


@asynccontextmanager
async def a_shop(folder: Path, telemetry: Mapping[str, Any] | None = None) -> AsyncGenerator[Shop]:
    async with model_server(KEY) as model:
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0o600)
        agent = {"purpose": "Works.", "tools": ["*"], "only_mcp": True, "limits": {"spend": ["5 per run", "9 per day"]}}
        command = [sys.executable, str(SWIFT), str(folder / "log.jsonl"), "stdio"]
        (folder / "scrape.token").write_text(TOKEN)
        (folder / "scrape.token").chmod(0o600)
        more = {"telemetry": {"metrics": {"token": {"from": "file:scrape.token"}}, **(telemetry or {})}}
        given = configuration(
            model,
            {},
            servers={"piped": {"command": command}},
            tools=TOOLS,
            agents={"coder": agent},
            approvals={"hold": "1s", "legs": 0},
            **more,
        )
        config = folder / "ringfence.yaml"
        config.write_text(json.dumps(given), "utf-8")
        process = GatewayProcess(config, folder / "state", options=("--unsafe-same-user", "--control-port", "0"))
        async with process.running(), process.people() as people, process.clients() as clients:
            await people.add_operator("ada", "admin")
            scraper = await people.add_operator("prometheus", "viewer")
            control = (await people.done("GET", "/status"))["gateway"]["control"]
            yield Shop(process, people, clients, model, control, scraper)


async def cut_stream(shop: Shop, run: str, credential: str) -> None:
    """An answer that stands still, until a kill of its run ends it."""

    async def read() -> None:
        async with shop.asking(credential) as client:
            with pytest.raises((anthropic.APIError, aiohttp.ClientError)):
                await consumed(client)

    reading = asyncio.create_task(read())
    async with asyncio.timeout(PATIENCE_S):
        await shop.model.waiting.wait()
    await shop.people.done("POST", "/kill", {"scope": {"run": run}})
    await reading


async def consumed(client: anthropic.AsyncAnthropic) -> None:
    messages = scripted(wait_after=2)
    async for _ in await client.messages.create(model=MODEL, max_tokens=100, messages=messages, stream=True):
        pass


async def worked(shop: Shop) -> tuple[str, str]:
    """Something of everything; the runs, of which the second was killed."""
    run, credential = await shop.people.open_run("coder")
    await shop.traced(credential, "piped__put", {"who": CANARY})
    assert (await shop.clients.call(credential, "piped__look", {"who": CANARY})).is_result
    assert not (await shop.clients.call(credential, CANARY, {})).is_result
    assert not (await shop.clients.call(credential, "piped__look", {"n": CANARY})).is_result
    paying = asyncio.create_task(shop.clients.call(credential, "piped__pay", {"who": CANARY}))
    ticket = await shop.people.waiting()
    assert (await shop.people.decide(ticket, "approve"))[0] == 200
    assert (await paying).is_result
    async with shop.asking(credential) as client:
        messages = scripted(text=[CANARY], tools=[["piped__look", {"who": CANARY}]])
        usage = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
        await client.messages.create(model=MODEL, max_tokens=100, messages=messages, system=CANARY, extra_headers=usage)
        with pytest.raises(anthropic.APIStatusError):
            await client.messages.create(model=MODEL, max_tokens=100, messages=scripted(status=529))
    killed, credential = await shop.people.open_run("coder", parent=run)
    await cut_stream(shop, killed, credential)
    await shop.people.done("POST", f"/runs/{run}/close", {"reason": CANARY})
    return run, killed


async def test_what_is_scraped_agrees_with_the_log(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        for credential, status in (("", 401), (TOKEN[::-1], 401), (TOKEN, 200)):
            headers = {"authorization": f"Bearer {credential}"} if credential else {}
            async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{shop.control}metrics") as answer:
                assert answer.status == status
        async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{shop.control}api/v1/audit") as refused:
            assert refused.status == 401
        await worked(shop)
        samples = await shop.scrape()
        log = await shop.people.log()
        decided = Counter(entry["decision"] for entry in log if entry["kind"] == "decision")
        assert {level: of(samples, "ringfence_calls_total", decision=level) for level in decided} == decided
        asked = [entry for entry in log if entry["kind"] == "outcome" and entry["tool"] == "model.messages"]
        micro = sum(entry["body"]["model"]["micro"] for entry in asked)
        assert micro > 0
        assert round(of(samples, "ringfence_model_spend_dollars_total") * 10**6) == micro
        ends = Counter(entry["body"]["model"]["end"] for entry in asked)
        assert {end: of(samples, "ringfence_model_requests_total", end=end) for end in ends} == ends
        assert ends["killed"] == 1
        assert of(samples, "ringfence_model_responses_total", upstream="main", status="529") == 1
        tokens = sum(entry["body"]["model"]["tokens_in"] + entry["body"]["model"]["tokens_out"] for entry in asked)
        assert of(samples, "ringfence_model_tokens_total") == tokens
        for kind, count in Counter(entry["kind"] for entry in log).items():
            assert of(samples, "ringfence_log_entries_total", kind=kind) == count
        assert of(samples, "ringfence_log_size_entries") == len(log)
        assert of(samples, "ringfence_store_seconds_count", step="sync") > 0
        assert of(samples, "ringfence_budget_cap", kind="spend", owner="agent/coder") == 9
        assert round(of(samples, "ringfence_budget_used", kind="spend", owner="agent/coder") * 10**6) == micro
        assert of(samples, "ringfence_server_up", server="piped") == 1
        assert of(samples, "ringfence_stops_in_force", mode="kill", scope="run") == 1
        assert (of(samples, "ringfence_calls_under_way"), of(samples, "ringfence_runs_open")) == (0, 0)
        assert of(samples, "ringfence_calls_total", tool="(unknown)") == 1
        assert CANARY not in str(samples)


@pytest.mark.requirement("I9")
async def test_traces_arrive_with_their_parents_and_without_a_word_of_anybody(tmp_path: Path) -> None:
    async with collector() as at:
        headers = {"authorization": "Bearer of-the-collector"}
        async with a_shop(tmp_path, {"otlp": {"endpoint": at.endpoint, "headers": headers}}) as shop:
            run, killed = await worked(shop)
            spans = await at.named("kill run", "approval piped.pay", "invoke_agent coder", "tools/call (unknown)")
            await at.until(13)
            log = await shop.people.log()
    of_task = trace_id(run)
    assert (spans["approval piped.pay"].trace_id, spans["kill run"].trace_id) == (of_task, of_task)
    by_name: dict[str, list[Any]] = {}
    for span in at.spans:
        by_name.setdefault(span.name, []).append(span)

    (put,) = by_name["tools/call piped.put"]
    assert (put.trace_id.hex(), put.parent_span_id.hex()) == (TRACE, SPAN)
    assert [(link.trace_id, link.span_id) for link in put.links] == [(of_task, span_id(f"run {run}"))]
    looked = [span for span in by_name["tools/call piped.look"] if span.status.code != 2]
    assert [(span.trace_id, span.parent_span_id) for span in looked] == [(of_task, span_id(f"run {run}"))]
    assert attributes(looked[0])["gen_ai.operation.name"] == "execute_tool"

    (wait,) = by_name["approval piped.pay"]
    asked, *_, paid = sorted(by_name["tools/call piped.pay"], key=lambda span: span.start_time_unix_nano)
    assert attributes(asked)["ringfence.decision"] == "ask"
    assert wait.parent_span_id == asked.span_id
    assert attributes(wait)["ringfence.approval.outcome"] == "approved"
    assert [link.span_id for link in paid.links] == [wait.span_id]
    assert attributes(paid)["ringfence.outcome"] == "returned"

    chats = {str(attributes(span)["ringfence.model.end"]): span for span in by_name[f"chat {MODEL}"]}
    whole, busy, cut = chats["complete"], chats["refused"], chats["killed"]
    assert (whole.trace_id.hex(), whole.parent_span_id.hex(), whole.kind) == (TRACE, SPAN, 3)
    (entry,) = [one for one in log if f"e{one['seq']}" == attributes(whole)["ringfence.outcome.entry"]]
    used = entry["body"]["model"]
    said = attributes(whole)
    assert said["gen_ai.usage.input_tokens"] == used["tokens_in"]
    assert said["gen_ai.usage.output_tokens"] == used["tokens_out"]
    assert said["ringfence.spend.micro_usd"] == used["micro"]
    assert said["gen_ai.response.finish_reasons"] == ["tool_use"]
    assert (attributes(busy)["error.type"], busy.status.code) == ("529", 2)
    assert (attributes(cut)["error.type"], cut.parent_span_id) == ("killed", span_id(f"run {killed}"))
    assert spans["kill run"].parent_span_id == span_id(f"run {killed}")
    runs = {span.span_id: span for span in by_name["invoke_agent coder"]}
    assert runs[span_id(f"run {killed}")].parent_span_id == span_id(f"run {run}")

    assert {each["authorization"] for each in at.headers} == {"Bearer of-the-collector"}
    everything = b"".join(request.SerializeToString() for request in at.requests)
    assert b"piped.look" in everything
    assert CANARY.encode() not in everything
    assert CANARY in json.dumps(log)


async def test_another_collector_takes_the_place_of_the_first_with_a_changed_configuration(tmp_path: Path) -> None:
    async with collector() as before, collector() as after, a_shop(tmp_path, {"otlp": {"endpoint": before.endpoint}}) as shop:
        _, credential = await shop.people.open_run("coder")
        assert (await shop.clients.call(credential, "piped__look", {"n": 1})).is_result
        config = tmp_path / "ringfence.yaml"
        config.write_text(config.read_text("utf-8").replace(before.endpoint, after.endpoint), "utf-8")
        await shop.people.done("POST", "/reload")
        assert (await shop.clients.call(credential, "piped__put", {"n": 2})).is_result
        await before.named("tools/call piped.look")
        await after.named("tools/call piped.put")
        assert {span.name for span in before.spans} == {"tools/call piped.look"}


async def test_a_collector_that_never_answers_delays_no_call_and_not_the_end(tmp_path: Path) -> None:
    connected: list[asyncio.StreamWriter] = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)
        while await reader.read(65536):
            pass
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, a_shop(tmp_path, {"otlp": {"endpoint": f"http://127.0.0.1:{port}"}}) as shop:
        _, credential = await shop.people.open_run("coder")
        for n in range(50):
            assert (await shop.clients.call(credential, "piped__look", {"n": n})).is_result
        samples = await shop.scrape()
        assert of(samples, "ringfence_outcomes_total", outcome="returned") == 50
        assert await shop.process.stop() == 0
        assert connected
