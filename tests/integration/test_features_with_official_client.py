"""The official Python client at the running gateway, in both eras: lists, reads, prompts, questions, logs, change notices."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types import ElicitResult, ListRootsResult, PromptReference, Root, TextContent

from ringfence.ports.upstream import Answered, Failed, Granted, Notice, NoticeKind, ServerRequest
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.library import DOCS, library_rules, library_upstreams
from ringfence.testing.serving import Served, served
from ringfence.testing.world import World

MODES = ["legacy", "2026-07-28"]
NAME = ServerRequest(
    "elicitation/create",
    {"message": "Your name?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}},
)
ROOTS = ServerRequest("roots/list", {})


class Desk:
    """A running gateway before the library, and what a client saw."""

    def __init__(self, world: World, gateway: Served) -> None:
        self.world = world
        self.gateway = gateway
        self.docs: FakeUpstream = world.upstreams[DOCS]
        self.logs: list[Any] = []
        self.messages: list[str] = []
        self.changed = asyncio.Event()

    async def _elicit(self, context: Any, params: Any) -> ElicitResult:
        self.messages.append(params.message)
        return ElicitResult(action="accept", content={"name": "Ada"})

    async def _roots(self, context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[Root.model_validate({"uri": "file:///here"})])

    async def _log(self, params: Any) -> None:
        self.logs.append((params.level, params.data))

    async def _message(self, message: Any) -> None:
        if "list_changed" in getattr(message, "method", "") or "updated" in getattr(message, "method", ""):
            self.messages.append(message.method)
            self.changed.set()

    @asynccontextmanager
    async def client(self, mode: str, path: str = "/mcp/docs") -> AsyncGenerator[Client]:
        opened = await self.world.open_run("writer")
        async with (
            create_mcp_http_client(headers={"Authorization": f"Bearer {opened.credential}"}) as http,
            Client(
                streamable_http_client(self.gateway.url(path), http_client=http),
                mode=mode,
                elicitation_callback=self._elicit,
                list_roots_callback=self._roots,
                logging_callback=self._log,
                log_level="info",
                message_handler=self._message,
                cache=None,
            ) as client,
        ):
            yield client


def session_of(client: Client) -> Any:
    """What a legacy client can do and the SDK has deprecated."""
    return client.session


@asynccontextmanager
async def desk() -> AsyncGenerator[Desk]:
    world = await World.build(rules=library_rules(), upstreams=library_upstreams())
    async with served(world) as gateway:
        yield Desk(world, gateway)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["/mcp/docs", "/mcp"])
async def test_a_client_lists_reads_prompts_and_completes(mode: str, path: str) -> None:
    carries = path == "/mcp"
    async with desk() as here, here.client(mode, path) as client:
        here.docs.replies["resources/read"] = Answered({"contents": [{"uri": "memo:1", "text": "milk"}]})
        message = {"role": "user", "content": {"type": "text", "text": "Hello"}}
        here.docs.replies["prompts/get"] = Answered({"messages": [message]})
        here.docs.replies["completion/complete"] = Answered({"completion": {"values": ["Ada"]}})
        uris = [resource.uri for resource in (await client.list_resources()).resources]
        uri = "ringfence:docs:memo:1" if carries else "memo:1"
        assert uri in uris
        (content,) = (await client.read_resource(uri)).contents
        assert (content.uri, content.model_dump()["text"]) == (uri, "milk")
        templates = [item.uri_template for item in (await client.list_resource_templates()).resource_templates]
        assert ("ringfence:docs:memo:{number}" if carries else "memo:{number}") in templates
        name = (await client.list_prompts()).prompts[0].name
        assert name == ("docs__greet" if carries else "greet")
        got = await client.get_prompt(name, {"who": "Ada"})
        assert isinstance(got.messages[0].content, TextContent)
        done = await client.complete(PromptReference(name=name), {"name": "who", "value": "A"})
        assert done.completion.values == ["Ada"]
        with pytest.raises(MCPError):
            await client.read_resource("file:///private/b.txt")


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_answers_what_a_server_asks_during_a_call(mode: str) -> None:
    async with desk() as here, here.client(mode) as client:
        here.docs.asks["search"] = ({"who": NAME, "where": ROOTS},)
        result = await client.call_tool("search", {"text": "x"})
        assert not result.is_error
        assert here.messages == ["[docs] Your name?"]
        (answers,) = here.docs.answers
        assert isinstance(answers["who"], Granted)
        assert answers["who"].result["content"] == {"name": "Ada"}
        assert isinstance(answers["where"], Granted)
        decided = [entry for entry in await here.world.entries() if entry["kind"] == "decision"]
        assert len(decided) == len(here.docs.executed) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_hears_the_logs_of_its_calls(mode: str) -> None:
    async with desk() as here, here.client(mode) as client:
        if mode == "legacy":
            with pytest.warns(MCPDeprecationWarning):
                await session_of(client).set_logging_level("info")
        here.docs.logs["search"] = ({"level": "debug", "data": "no"}, {"level": "warning", "data": "yes"})
        await client.call_tool("search", {"text": "x"})
        assert here.logs == [("warning", "yes")]


async def test_a_legacy_client_hears_of_changes_on_its_stream() -> None:
    async with desk() as here, here.client("legacy") as client:
        with pytest.warns(MCPDeprecationWarning):
            await session_of(client).subscribe_resource("memo:1")
        await here.docs.until_heard(frozenset({"memo:1"}))
        here.docs.announce(Notice(NoticeKind.UPDATED, "memo:1"))
        async with asyncio.timeout(10):
            await here.changed.wait()
        assert here.messages == ["notifications/resources/updated"]


async def test_a_modern_client_hears_of_changes_that_it_listens_for() -> None:
    async with (
        desk() as here,
        here.client("2026-07-28") as client,
        client.listen(prompts_list_changed=True, resource_subscriptions=["memo:1"]) as subscription,
    ):
        await here.docs.until_heard(frozenset({"memo:1"}))
        here.docs.described = replace(here.docs.described, prompts=())
        here.docs.announce(Notice(NoticeKind.PROMPTS))
        async with asyncio.timeout(10):
            event = await anext(aiter(subscription))
        assert type(event).__name__ == "PromptsListChanged"


# --- beside the request, and when it fails ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
async def test_what_a_client_says_beside_its_request_reaches_the_server(mode: str) -> None:
    async with desk() as found, found.client(mode) as client:
        found.docs.replies |= {"resources/read": Answered({"contents": []}), "prompts/get": Answered({"messages": []})}
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        said: Any = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "com.example/key": [1], "baggage": "a=1"}
        await client.call_tool("search", {"text": "x"}, meta=said)
        await client.read_resource("memo:1", meta=said)
        await client.get_prompt("greet", {"who": "Ada"}, meta=said)
        sent = [dict(sending.meta) for sending in found.docs.executed]
        assert len(sent) == 3
        for meta in sent:
            assert meta["traceparent"][3:35] == trace
            assert meta["com.example/key"] == [1]
            assert meta.keys() <= {"traceparent", "tracestate", "com.example/key"}
        decided = [entry["body"] for entry in await found.world.entries() if entry["kind"] == "decision"]
        assert {body["trace"] for body in decided} == {trace}


@pytest.mark.parametrize("mode", MODES)
async def test_an_errors_data_reaches_the_client(mode: str) -> None:
    async with desk() as found, found.client(mode) as client:
        found.docs.replies["search"] = Failed(4711, "try later", {"retryAfter": 7})
        with pytest.raises(MCPError) as caught:
            await client.call_tool("search", {"text": "x"})
        assert caught.value.error.code == 4711
        assert caught.value.error.data["retryAfter"] == 7


async def test_a_server_sends_people_only_where_that_is_granted() -> None:
    async with desk() as found, found.client("legacy") as client:
        place = {"mode": "url", "elicitationId": "e", "url": "https://pay.example/connect", "message": "Connect"}
        found.docs.replies["search"] = Failed(-32042, "connect first", {"elicitations": [place]})
        with pytest.raises(MCPError) as caught:
            await client.call_tool("search", {"text": "x"})
        assert caught.value.error.code == -32042
        assert caught.value.error.data["elicitations"] == [{**place, "message": "[docs] Connect"}]
        found.docs.replies["search"] = Failed(-32042, "connect", {"elicitations": [{**place, "url": "https://evil.example/"}]})
        refused = await client.call_tool("search", {"text": "x"})
        assert refused.is_error
        assert "evil" not in refused.model_dump_json()
