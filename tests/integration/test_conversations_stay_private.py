"""Conversations with models through a real gateway: nothing of them is kept, and what was seen is kept once."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.leaks.plants import forms_of
from tests.servers.metered_gateway import MODEL, Metered, metered

MEMORY = Path(__file__).parents[1] / "servers" / "memory_server.py"
SECRET = "AKIA" + "Q7ZP2MNB4TRD5XKL"
TASK = "what the test does"
"""Is kept: the search below can find something."""
CAPS = {"spend": "50 per run", "tokens_out": "4000 per run"}


def canary(name: str) -> str:
    """Words that stand nowhere else, with signs that encoders write differently."""
    return f"canary/{name} of çedilla+words"


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


TOOLS = [{"name": "read", "description": canary("tool"), "input_schema": {"type": "object", "title": canary("schema")}}]
SYSTEM = [text("x-anthropic-billing-header: v=1"), text(canary("system"))]


class Talk:
    """One conversation of one run, by plain HTTP: whatever a client may send."""

    def __init__(self, http: aiohttp.ClientSession, shop: Metered, credential: str) -> None:
        self._http = http
        self._shop = shop
        self._credential = credential
        self.messages: list[dict[str, Any]] = []

    async def say(self, *content: Any, **members: Any) -> tuple[int, bytes]:
        self.messages.append({"role": "user", "content": list(content)})
        return await self.send({"messages": self.messages, "system": SYSTEM, "tools": TOOLS, **members})

    async def send(self, body: Mapping[str, Any] | bytes, path: str = "/v1/messages") -> tuple[int, bytes]:
        data = body if isinstance(body, bytes) else json.dumps({"model": MODEL, "max_tokens": 100, **body}).encode()
        headers = {
            "x-api-key": self._credential,
            "content-type": "application/json",
            "cookie": canary("cookie"),
            "x-more": canary("header"),
            "anthropic-more": canary("vendor"),
        }
        headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
        async with self._http.post(f"{self._shop.base_url}{path}", data=data, headers=headers) as answer:
            return answer.status, await answer.read()


@asynccontextmanager
async def receiver(seen: list[bytes]) -> AsyncGenerator[str]:
    """Where alerts go."""

    async def take(request: web.Request) -> web.Response:
        seen.append(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_socket()}


def places_of(value: str, seen: Mapping[str, bytes]) -> list[str]:
    forms = [form.encode() for form in forms_of(value)]
    return [place for place, data in seen.items() if any(form in data for form in forms)]


async def converse(talk: Talk) -> None:
    """Everything that can go well or badly, each with words of its own."""
    script = {"text": [canary("answer")], "thinking": [canary("thinking")], "tools": [["read", {"path": canary("input")}]]}
    status, _ = await talk.say(text(f"script:{json.dumps(script)}"), text(canary("prompt")), stream=True)
    assert status == 200
    status, whole = await talk.send({"messages": talk.messages})
    assert status == 200
    use = next(block for block in json.loads(whole)["content"] if block["type"] == "tool_use")
    talk.messages.append({"role": "assistant", "content": [text(canary("history")), use]})
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": canary("result")}
    assert (await talk.say(result, text(f"the key {SECRET}")))[0] == 200
    document = {"type": "document", "source": {"type": "text", "data": canary("document"), "media_type": "text/plain"}}
    assert (await talk.say(document, metadata={"more": canary("metadata")}))[0] == 200
    assert (await talk.send({"messages": talk.messages}, "/v1/messages/count_tokens"))[0] == 200
    # Refused: over its cap, of another shape, no JSON at all.
    assert (await talk.say(text(canary("refused")), max_tokens=9000))[0] == 402
    assert (await talk.send({"messages": [canary("shape")]}))[0] == 400
    assert (await talk.send(f'{{"model": "{canary("broken")}'.encode()))[0] == 400
    # Failed at the model.
    for failing in ({"status": 529}, {"error_after": 1}, {"cut_after": 1}):
        said = text(f"script:{json.dumps({**failing, 'text': [canary('failed'), canary('failed')]})}")
        await talk.send({"messages": [{"role": "user", "content": [said]}], "stream": True})


NAMES = (
    "tool", "schema", "system", "cookie", "header", "vendor", "answer", "thinking", "input", "prompt", "history", "result",
    "document", "metadata", "refused", "shape", "broken", "failed",
)  # fmt: skip


@pytest.mark.requirement("I9")
async def test_nothing_of_a_conversation_is_kept_anywhere(tmp_path: Path) -> None:
    alerts: list[bytes] = []
    async with (
        receiver(alerts) as url,
        metered(tmp_path, CAPS, alerts={"webhooks": [{"url": url}]}) as shop,
        aiohttp.ClientSession() as http,
    ):
        run, credential = await shop.people.open_run("coder")
        await converse(talk := Talk(http, shop, credential))
        _, other = await shop.people.open_run("coder")
        talk = Talk(http, shop, other)
        await talk.say(text("go"), system=canary("system") + " changed")
        log = await shop.people.log()
        seen = {
            "log": json.dumps(log, ensure_ascii=False).encode(),
            "timeline": json.dumps(await shop.people.done("GET", f"/runs/{run}/lineage")).encode(),
            "run": json.dumps(await shop.people.done("GET", f"/runs/{run}")).encode(),
            **{f"running: {name}": data for name, data in files(tmp_path / "state").items()},
        }
        await shop.process.stop()
        seen |= {f"stopped: {name}": data for name, data in files(tmp_path / "state").items()}
        seen["errors"] = (tmp_path / "state.errors").read_bytes()
        seen["alerts"] = b"\n".join(alerts)
    assert {"log", "running: ringfence.db", "stopped: ringfence.db"} & set(places_of(TASK, seen)) != set()
    assert {name: places for name in NAMES if (places := places_of(canary(name), seen))} == {}
    assert places_of(SECRET, seen) == []
    kinds = [json.loads(alert)["kind"] for alert in alerts]
    assert {"secret_in_request", "prompt_changed"} <= set(kinds)
    reached = json.dumps([each.body for each in shop.model.executed])
    assert SECRET not in reached
    assert "[masked: aws-access-key]" in reached
    assert json.dumps(canary("prompt"))[1:-1] in reached


async def test_one_act_has_one_owner_whoever_else_tells_of_it(tmp_path: Path) -> None:
    servers = {"files": {"command": [sys.executable, str(MEMORY), str(tmp_path / "notes")], "era": "legacy"}}
    page = {"effect": "read", "sensitivity": "public", "outbound": False, "trust": "trusted"}
    agents = {"coder": {"purpose": "Write code.", "tools": ["*"], "limits": dict(CAPS)}}
    async with (
        metered(tmp_path, CAPS, servers=servers, tools={"files.page": page}, agents=agents) as shop,
        shop.process.clients() as clients,
        aiohttp.ClientSession() as http,
    ):
        run, credential = await shop.people.open_run("coder")
        talk = Talk(http, shop, credential)
        asks = [["mcp__ringfence__files__page", {"text": "a"}], ["mcp__ringfence__files__page", {"text": "b"}], ["Bash", {}]]
        _, whole = await talk.say(text(f"script:{json.dumps({'tools': asks})}"))
        named, unnamed, local = uses = [block for block in json.loads(whole)["content"] if block["type"] == "tool_use"]
        talk.messages.append({"role": "assistant", "content": uses})
        # A client that names the use, as Claude Code does, and one that does not.
        first = await clients.call(credential, "files__page", {"text": "a"}, {"claudecode/toolUseId": named["id"]})
        second = await clients.call(credential, "files__page", {"text": "b"})
        assert (first.is_result, second.is_result) == (True, True)
        clean = {"integrity": "trusted", "confidentiality": "public"}
        assert (await shop.people.done("GET", f"/runs/{run}"))["label"] == clean
        given = ({"type": "tool_result", "tool_use_id": use["id"], "content": "ok"} for use in (named, unnamed))
        assert (await talk.say(*given))[0] == 200
        assert (await shop.people.done("GET", f"/runs/{run}"))["label"] == clean
        assert (await talk.say({"type": "tool_result", "tool_use_id": local["id"], "content": "ok"}))[0] == 200
        assert (await shop.people.done("GET", f"/runs/{run}"))["label"]["integrity"] == "untrusted"
        log = await shop.people.log()
        calls = {
            entry["body"]["arguments"]["text"]: entry
            for entry in log
            if entry["kind"] == "decision" and entry["tool"] == "files.page"
        }
        assert (calls["a"]["body"].get("tool_use"), "tool_use" in calls["b"]["body"]) == (named["id"], False)
        seen = [result for entry in log if entry["kind"] == "observed" for result in entry["body"].get("results", [])]
        assert [(one["id"], one.get("call")) for one in seen] == [(unnamed["id"], calls["b"]["call"]), (local["id"], None)]


def told(log: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [
        (result["name"], result["id"])
        for entry in log
        if entry["kind"] == "observed"
        for result in entry["body"].get("results", [])
    ]


@pytest.mark.requirement("I14")
async def test_what_local_tools_gave_a_run_is_kept_once_over_a_kill(tmp_path: Path) -> None:
    async with metered(tmp_path, CAPS) as shop, aiohttp.ClientSession() as http:
        run, credential = await shop.people.open_run("coder")
        talk = Talk(http, shop, credential)
        _, whole = await talk.say(text('script:{"tools": [["Bash", {"command": "ls"}], ["Read", {}]]}'))
        uses = [block for block in json.loads(whole)["content"] if block["type"] == "tool_use"]
        talk.messages.append({"role": "assistant", "content": uses})
        first, second = ({"type": "tool_result", "tool_use_id": use["id"], "content": "ok"} for use in uses)
        assert (await talk.say(first))[0] == 200
        untrusted = {"integrity": "untrusted", "confidentiality": "internal"}
        assert (await shop.people.done("GET", f"/runs/{run}"))["label"] == untrusted
        await shop.process.kill()
        await shop.process.start()
        async with shop.process.people() as people:
            again = Talk(http, Metered(shop.process, people, shop.model, tmp_path), credential)
            again.messages = talk.messages
            assert (await people.done("GET", f"/runs/{run}"))["label"] == untrusted
            assert (await again.say(second))[0] == 200
            log = await people.log()
            assert told(log) == [("Bash", uses[0]["id"]), ("Read", uses[1]["id"])]
            timeline = await people.done("GET", f"/runs/{run}/lineage")
            assert timeline["first_untrusted"] == next(
                f"e{entry['seq']}" for entry in log if entry["kind"] == "observed" and entry["body"].get("results")
            )
