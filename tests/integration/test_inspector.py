"""The MCP Inspector's command lines through the gateway, in both eras, over HTTP and stdio.

`mcp-inspector --cli` (2.12.0) makes one request a process. It declares roots and neither elicitation nor sampling, prints
neither progress nor logs, never asks for progress by itself and has no way to complete, subscribe or cancel; interrupting it
only closes its connections, which is how a modern client cancels and which tells a legacy server nothing. `mcpdo`, in the same
package and marked experimental, stays connected: it answers forms, takes a call back when it is interrupted in a terminal,
completes and prints logs. It prints no progress, either: all that is shown of progress here is that asking for it does no harm.
"""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.clients.inspector import Inspector, at_url, connected, ended
from tests.integration.features_behind_gateway import NARROW, Desk, open_desk
from tests.integration.shop_behind_gateway import AGENT, connect_command, eventually
from tests.servers.real_servers import assert_set_up

REVISIONS = {"legacy": "2025-11-25", "modern": "2026-07-28"}
NEVER = "/nonexistent/never"
TRIES, PAUSE_S = 20, 0.5

pytestmark = pytest.mark.asyncio(loop_scope="module")
each_era = pytest.mark.parametrize("era", REVISIONS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Desk]:
    assert_set_up()
    async with open_desk(tmp_path_factory.mktemp("desk")) as opened:
        yield opened


async def reached(desk: Desk, path: str, agent: str = AGENT) -> tuple[str, str]:
    """URL and credential of a new run."""
    _, credential = await desk.gateway.people.open_run(agent)
    return f"{desk.gateway.process.url}{path}", credential


@each_era
async def test_it_lists_and_calls_what_the_agent_was_given(desk: Desk, era: str, tmp_path: Path) -> None:
    inspector = at_url(*await reached(desk, "/mcp", NARROW), tmp_path, era)
    listed = await inspector.run("tools/list")
    assert [tool["name"] for tool in listed["tools"]] == ["pipe__echo", "web__echo", "ringfence__claim"]
    called = await inspector.run("tools/call", "--tool-name", "web__echo", "--tool-arg", "zone=UTC")
    assert json.loads(called["content"][0]["text"]) == {"zone": "UTC"}


@pytest.mark.parametrize(("era", "path"), [("legacy", "/mcp"), ("modern", "/mcp/web")])
async def test_it_shows_what_servers_offer(desk: Desk, era: str, path: str, tmp_path: Path) -> None:
    inspector = at_url(*await reached(desk, path), tmp_path, era)
    carried, prefix = ("ringfence:web:", "web__") if path == "/mcp" else ("", "")
    opened, resources, templates, read, prompts, prompt = await asyncio.gather(
        inspector.run("initialize"),
        inspector.run("resources/list"),
        inspector.run("resources/templates/list"),
        inspector.run("resources/read", "--uri", f"{carried}note:///1"),
        inspector.run("prompts/list"),
        inspector.run("prompts/get", "--prompt-name", f"{prefix}ask for", "--prompt-args", "what=tea"),
    )
    assert opened["protocolVersion"] == REVISIONS[era]
    assert {f"{carried}note:///{n}" for n in range(3)} <= {resource["uri"] for resource in resources["resources"]}
    assert f"{carried}note:///{{n}}" in [template["uriTemplate"] for template in templates["resourceTemplates"]]
    assert (read["contents"][0]["uri"], read["contents"][0]["text"]) == (f"{carried}note:///1", "text of note:///1")
    assert f"{prefix}ask for" in [listed["name"] for listed in prompts["prompts"]]
    assert prompt["messages"][0]["content"]["text"] == "ask for: tea"


@each_era
async def test_its_calls_work_whatever_the_server_tells_meanwhile(desk: Desk, era: str, tmp_path: Path) -> None:
    inspector = at_url(*await reached(desk, "/mcp"), tmp_path, era)
    asking = ("--tool-metadata", "progressToken=7", "--metadata", "note=mine")
    calls = [inspector.call(f"{server}__slow", {"mark": f"told {era}", "steps": 3}, *asking) for server in ("web", "pipe")]
    logged, *told = await asyncio.gather(inspector.call("web__log", {}), *calls)
    assert logged == '"logged"'
    assert [json.loads(text) for text in told] == [{"mark": f"told {era}", "steps": 3}] * 2


async def test_it_sets_a_log_level_where_the_era_has_one(desk: Desk, tmp_path: Path) -> None:
    url, credential = await reached(desk, "/mcp/web")
    assert await at_url(url, credential, tmp_path, "legacy").run("logging/setLevel", "--log-level", "debug") == {}


@each_era
async def test_it_answers_what_its_roots_are_and_no_form(desk: Desk, era: str, tmp_path: Path) -> None:
    url, credential = await reached(desk, "/mcp/web")
    entry = {"type": "streamable-http", "url": url, "headers": {"Authorization": f"Bearer {credential}"}}
    file = tmp_path / "servers.json"
    file.write_text(json.dumps({"mcpServers": {"it": {**entry, "roots": [{"uri": "file:///here"}]}}}), "utf-8")
    inspector = Inspector(("--config", str(file), "--server", "it"), era, tmp_path)
    assert json.loads(await inspector.call("ask", {"what": ["roots"]})) == {"roots": {"roots": [{"uri": "file:///here"}]}}
    form = ("--tool-name", "ask", "--tool-args-json", json.dumps({"what": ["elicitation"]}))
    refused = await ended(await inspector.start("tools/call", *form))
    said = refused.output + refused.errors
    assert ("-32601" if era == "legacy" else "elicitation") in said, said
    assert "accept" not in said


@each_era
async def test_it_calls_with_the_gateway_as_its_stdio_server(desk: Desk, era: str, tmp_path: Path) -> None:
    inspector = Inspector((*connect_command(desk.gateway), "--transport", "stdio"), era, tmp_path)
    assert json.loads(await inspector.call("pipe__echo", {"era": era})) == {"era": era}


async def test_interrupting_it_cancels_a_modern_call(desk: Desk, tmp_path: Path) -> None:
    inspector = at_url(*await reached(desk, "/mcp/web"), tmp_path, "modern")
    waits = json.dumps({"mark": "interrupted", "release": NEVER})
    process = await inspector.start("tools/call", "--tool-name", "slow", "--tool-args-json", waits)
    await eventually(lambda: desk.events("interrupted") == ["start"])
    process.send_signal(signal.SIGINT)
    assert (await ended(process)).code != 0
    await eventually(lambda: desk.events("interrupted") == ["start", "cancelled"])


@each_era
async def test_mcpdo_answers_a_form_and_takes_a_call_back(desk: Desk, era: str) -> None:
    mark = f"mcpdo {era}"

    async def begun() -> None:
        await eventually(lambda: desk.events(mark) == ["start"])

    async with connected(*await reached(desk, "/mcp"), era) as mcpdo:
        asked = await mcpdo.run("tools/call", "pipe__ask", json.dumps({"what": ["elicitation"]}))
        question = asked["elicitationPending"]
        assert question["message"] == "[pipe] Which one?"
        answered = await mcpdo.run("elicitation/respond", question["elicitationId"], "which:=that")
        content = {"action": "accept", "content": {"which": "that"}}
        assert json.loads(answered["content"][0]["text"]) == {"elicitation": content}
        waits = json.dumps({"mark": mark, "release": NEVER})
        taken_back = await mcpdo.interrupted("tools/call", "web__slow", waits, when=begun)
        assert "cancelled" in taken_back.errors
        await eventually(lambda: desk.events(mark) == ["start", "cancelled"])


@each_era
async def test_mcpdo_completes_and_hears_logs(desk: Desk, era: str) -> None:
    async with connected(*await reached(desk, "/mcp/web"), era) as mcpdo:
        words = ("--complete-ref-type", "ref/prompt", "--complete-ref", "ask for", "--complete-arg-name", "what")
        assert (await mcpdo.run("prompts/complete", *words, "--complete-arg-value", "t"))["values"] == ["ta", "tb"]
        tail = await mcpdo.start("--format", "json", "logging/tail")
        assert tail.stdout is not None
        hearing = asyncio.ensure_future(tail.stdout.readuntil(b'"said"'))
        for _ in range(TRIES):  # it does not say when it has begun to listen, and each try is a process that hinders it
            if not hearing.done():
                await mcpdo.run("tools/call", "log", "{}")
                await asyncio.wait({hearing}, timeout=PAUSE_S)
        tail.send_signal(signal.SIGINT)
        await ended(tail)
        assert b"notifications/message" in await hearing
