"""Resources, prompts and completion through the gateway, in-process, in both eras, at both kinds of endpoint."""

from dataclasses import replace
from typing import Any

import pytest

from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.rules import Grants
from ringfence.ports.upstream import Answered, Failed
from ringfence.testing.asgi import start
from ringfence.testing.gateway import HOST, Agent, gateway
from ringfence.testing.library import DOCS, OPEN, PROMPT, library_rules, library_upstreams
from ringfence.testing.world import World

ERAS = ["modern", "legacy"]


class Client:
    """An agent that speaks one era."""

    def __init__(self, agent: Agent, era: str) -> None:
        self.agent = agent
        self.era = era

    @classmethod
    async def connect(
        cls, world: World, era: str, path: str = "/mcp/docs", *, agent: str = "writer", limits: GatewayLimits | None = None
    ) -> "Client":
        client = cls(Agent(gateway(world, limits=limits), await world.open_run(agent), path=path), era)
        if era == "legacy":
            await client.agent.initialize()
        return client

    async def ask(self, method: str, params: dict[str, Any] | None = None) -> Any:
        ask = self.agent.modern if self.era == "modern" else self.agent.legacy
        return (await ask(method, params).done()).answer

    async def result(self, method: str, params: dict[str, Any] | None = None) -> Any:
        answer = await self.ask(method, params)
        assert "result" in answer, answer
        return answer["result"]

    async def error(self, method: str, params: dict[str, Any] | None = None) -> Any:
        answer = await self.ask(method, params)
        assert "error" in answer, answer
        return answer["error"]


async def library(**options: Any) -> World:
    return await World.build(rules=library_rules(**options), upstreams=library_upstreams())


def decisions(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(entry["tool"], entry["decision"]) for entry in entries if entry["kind"] == "decision"]


@pytest.fixture
async def world() -> World:
    return await library()


@pytest.mark.parametrize("era", ERAS)
async def test_a_servers_lists_keep_their_names_and_unknown_fields(world: World, era: str) -> None:
    client = await Client.connect(world, era)
    resources = await client.result("resources/list")
    assert resources["resources"] == [OPEN, {"uri": "memo:1", "name": "memo"}]
    assert (await client.result("resources/templates/list"))["resourceTemplates"] == [
        {"uriTemplate": "memo:{number}", "name": "memos"}
    ]
    prompts = await client.result("prompts/list")
    assert prompts["prompts"] == [PROMPT]
    for result in (resources, prompts):
        assert ("resultType" in result) == ("ttlMs" in result) == (era == "modern")
    assert decisions(await world.entries()) == []


@pytest.mark.parametrize("era", ERAS)
async def test_at_the_common_endpoint_names_carry_their_server(world: World, era: str) -> None:
    client = await Client.connect(world, era, "/mcp")
    uris = [item["uri"] for item in (await client.result("resources/list"))["resources"]]
    assert uris == [f"ringfence:{server}:{uri}" for server in ("docs", "wiki") for uri in ("file:///public/a.txt", "memo:1")]
    templates = (await client.result("resources/templates/list"))["resourceTemplates"]
    assert [item["uriTemplate"] for item in templates] == ["ringfence:docs:memo:{number}", "ringfence:wiki:memo:{number}"]
    assert [item["name"] for item in (await client.result("prompts/list"))["prompts"]] == ["docs__greet", "wiki__greet"]


@pytest.mark.parametrize("path", ["/mcp", "/mcp/docs"])
async def test_methods_are_no_tools(world: World, path: str) -> None:
    client = await Client.connect(world, "legacy", path)
    names = [tool["name"] for tool in (await client.result("tools/list"))["tools"]]
    assert not any("/" in name for name in names)
    refused = await client.result("tools/call", {"name": "resources/read", "arguments": {"uri": "memo:1"}})
    assert refused["_meta"]["ringfence/decision"]["code"] == "unknown_tool"


@pytest.mark.requirement("I2")
@pytest.mark.parametrize("era", ERAS)
async def test_a_read_is_decided_and_recorded_like_a_tool(world: World, era: str) -> None:
    client = await Client.connect(world, era, "/mcp")
    result = await client.result("resources/read", {"uri": "ringfence:wiki:memo:7"})
    assert result["echo"] == {"uri": "memo:7"}
    (sent,) = world.upstreams[next(s for s in world.upstreams if s == "wiki")].executed
    assert (sent.method, sent.tool, sent.arguments) == ("resources/read", "", b'{"uri":"memo:7"}')
    assert decisions(await world.entries()) == [("wiki.resources/read", "allow")]
    if era == "modern":
        assert (result["ttlMs"], result["cacheScope"], result["resultType"]) == (0, "private", "complete")


@pytest.mark.parametrize("era", ERAS)
async def test_prompts_and_completions_go_to_the_server_that_their_name_carries(world: World, era: str) -> None:
    client = await Client.connect(world, era, "/mcp")
    got = await client.result("prompts/get", {"name": "wiki__greet", "arguments": {"who": "Ada"}})
    assert got["echo"] == {"name": "greet", "arguments": {"who": "Ada"}}
    argument = {"name": "who", "value": "A"}
    ref = {"type": "ref/prompt", "name": "docs__greet"}
    done = await client.result("completion/complete", {"ref": ref, "argument": argument})
    assert done["echo"] == {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": argument}
    ref = {"type": "ref/resource", "uri": "ringfence:docs:memo:{number}"}
    done = await client.result("completion/complete", {"ref": ref, "argument": argument})
    assert done["echo"]["ref"] == {"type": "ref/resource", "uri": "memo:{number}"}
    assert decisions(await world.entries()) == [
        ("wiki.prompts/get", "allow"),
        ("docs.completion/complete", "allow"),
        ("docs.completion/complete", "allow"),
    ]


@pytest.mark.parametrize("era", ERAS)
async def test_uris_in_results_are_those_of_the_endpoint(world: World, era: str) -> None:
    link = {"type": "resource_link", "uri": "memo:2", "name": "two"}
    embedded = {"type": "resource", "resource": {"uri": "memo:3", "text": "x"}}
    docs = world.upstreams[DOCS]
    docs.replies["search"] = Answered({"content": [link, embedded, {"type": "text", "text": "memo:4"}]})
    docs.replies["prompts/get"] = Answered({"messages": [{"role": "user", "content": embedded}]})
    docs.replies["resources/read"] = Answered({"contents": [{"uri": "memo:5", "text": "five"}]})
    client = await Client.connect(world, era, "/mcp")
    content = (await client.result("tools/call", {"name": "docs__search", "arguments": {"text": "x"}}))["content"]
    assert content[0]["uri"] == "ringfence:docs:memo:2"
    assert content[1]["resource"]["uri"] == "ringfence:docs:memo:3"
    assert content[2]["text"] == "memo:4"
    messages = (await client.result("prompts/get", {"name": "docs__greet"}))["messages"]
    assert messages[0]["content"]["resource"]["uri"] == "ringfence:docs:memo:3"
    contents = (await client.result("resources/read", {"uri": "ringfence:docs:memo:5"}))["contents"]
    assert contents[0]["uri"] == "ringfence:docs:memo:5"
    client.agent.path = "/mcp/docs"
    contents = (await client.result("resources/read", {"uri": "memo:5"}))["contents"]
    assert contents[0]["uri"] == "memo:5"


@pytest.mark.requirement("I2")
@pytest.mark.parametrize("era", ERAS)
async def test_what_was_not_given_does_not_exist(world: World, era: str) -> None:
    client = await Client.connect(world, era, agent="guest")
    for method in ("resources/list", "resources/templates/list", "prompts/list"):
        assert (await client.error(method))["code"] == -32601
    error = await client.error("resources/read", {"uri": "memo:1"})
    assert (error["code"], error["data"]["uri"]) == (-32602 if era == "modern" else -32002, "memo:1")
    assert (await client.error("prompts/get", {"name": "greet"}))["code"] == -32602
    ref = {"type": "ref/prompt", "name": "greet"}
    assert (await client.error("completion/complete", {"ref": ref, "argument": {}}))["code"] == -32602
    assert [decision for _, decision in decisions(await world.entries())] == ["deny"] * 3
    assert world.upstreams[DOCS].executed == []


@pytest.mark.parametrize(
    "uri", ["memo:1", "ringfence:nowhere:memo:1", "ringfence:DOCS:memo:1", "ringfence:docs:", "docs:memo:1"]
)
async def test_a_uri_that_the_common_endpoint_never_showed_leads_nowhere(world: World, uri: str) -> None:
    client = await Client.connect(world, "modern", "/mcp")
    assert (await client.error("resources/read", {"uri": uri}))["data"]["uri"] == uri
    assert decisions(await world.entries()) == [("resources/read", "deny")] or decisions(await world.entries()) == [
        ("nowhere.resources/read", "deny")
    ]
    assert all(not upstream.executed for upstream in world.upstreams.values())


@pytest.mark.requirement("I2")
async def test_a_uri_outside_the_tightened_schema_is_neither_shown_nor_read(world: World) -> None:
    client = await Client.connect(world, "modern")
    assert "b.txt" not in str(await client.result("resources/list"))
    error = await client.error("resources/read", {"uri": "file:///private/b.txt"})
    assert error["data"]["ringfence/decision"]["code"] == "arguments"
    assert world.upstreams[DOCS].executed == []


async def test_completion_says_nothing_about_what_the_agent_may_not_read(world: World) -> None:
    client = await Client.connect(world, "modern")
    ref = {"type": "ref/resource", "uri": "file:///private/{name}"}
    error = await client.error("completion/complete", {"ref": ref, "argument": {"name": "name", "value": ""}})
    assert (error["code"], error["message"]) == (-32602, "unknown reference")
    assert world.upstreams[DOCS].executed == []
    assert decisions(await world.entries()) == [("completion/complete", "deny")]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("code", [-32002, -32602])
async def test_a_resource_that_the_server_does_not_have_is_not_found(world: World, era: str, code: int) -> None:
    world.upstreams[DOCS].replies["resources/read"] = Failed(code, "no such memo")
    client = await Client.connect(world, era)
    error = await client.error("resources/read", {"uri": "memo:99"})
    assert error["code"] == (-32602 if era == "modern" else -32002)
    assert error["data"]["uri"] == "memo:99"


@pytest.mark.requirement("I6")
@pytest.mark.parametrize("era", ERAS)
async def test_a_stopped_run_reads_nothing(world: World, era: str) -> None:
    client = await Client.connect(world, era)
    await world.stops.stop(StopMode.KILL, Scope(ScopeKind.EVERYTHING), reason="x", by="operator:ada")
    error = await client.error("resources/read", {"uri": "memo:1"})
    assert error["data"]["ringfence/decision"]["code"] == "stopped"
    assert world.upstreams[DOCS].executed == []


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/read", {}),
        ("resources/read", {"uri": 7}),
        ("resources/read", {"uri": ""}),
        ("resources/read", {"uri": "x" * 8193}),
        ("resources/read", {"uri": "memo:1", "URI": "memo:2"}),
        ("prompts/get", {"name": 7}),
        ("prompts/get", {"name": "greet", "arguments": []}),
        ("completion/complete", {"argument": {}}),
        ("completion/complete", {"ref": {"type": "ref/other", "name": "x"}, "argument": {}}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": 7}, "argument": {}}),
        ("prompts/list", {"cursor": 7}),
        ("prompts/list", {"cursor": "v1.abc"}),
    ],
)
async def test_parameters_that_are_not_the_methods_are_refused(world: World, method: str, params: dict[str, Any]) -> None:
    client = await Client.connect(world, "legacy")
    assert (await client.error(method, params))["code"] == -32602
    assert world.upstreams[DOCS].executed == []


# --- pages -----------------------------------------------------------------------------------------------------------


async def many(count: int) -> World:
    upstreams = library_upstreams()
    docs = upstreams[DOCS]
    prompts = tuple({"name": f"p{number:03}"} for number in range(count))
    docs.described = replace(docs.described, prompts=prompts)
    return await World.build(rules=library_rules(), upstreams=upstreams)


@pytest.mark.parametrize("era", ERAS)
async def test_a_long_list_comes_in_pages(era: str) -> None:
    client = await Client.connect(await many(450), era)
    names: list[str] = []
    sizes: list[int] = []
    params: dict[str, Any] = {}
    while True:
        page = await client.result("prompts/list", params)
        names += [item["name"] for item in page["prompts"]]
        sizes.append(len(page["prompts"]))
        if "nextCursor" not in page:
            break
        params = {"cursor": page["nextCursor"]}
    assert names == [f"p{number:03}" for number in range(450)]
    assert sizes == [200, 200, 50]


@pytest.mark.requirement("I17")
async def test_a_cursor_of_another_run_list_or_endpoint_is_refused() -> None:
    world = await many(450)
    client = await Client.connect(world, "modern")
    cursor = (await client.result("prompts/list"))["nextCursor"]
    assert (await client.error("resources/list", {"cursor": cursor}))["code"] == -32602
    stranger = Client(Agent(client.agent.app, await world.open_run("writer"), path="/mcp/docs"), "modern")
    assert (await stranger.error("prompts/list", {"cursor": cursor}))["code"] == -32602
    client.agent.path = "/mcp"
    assert (await client.error("prompts/list", {"cursor": cursor}))["code"] == -32602
    client.agent.path = "/mcp/docs"
    assert len((await client.result("prompts/list", {"cursor": cursor}))["prompts"]) == 200
    changed = cursor[:-2] + ("AA" if not cursor.endswith("AA") else "BB")
    assert (await client.error("prompts/list", {"cursor": changed}))["code"] == -32602


async def test_a_cursor_of_a_list_that_has_changed_is_refused() -> None:
    world = await many(450)
    client = await Client.connect(world, "modern")
    cursor = (await client.result("prompts/list"))["nextCursor"]
    docs = world.upstreams[DOCS]
    docs.described = replace(docs.described, prompts=docs.described.prompts[1:])
    await world.catalogue.refresh(DOCS)
    assert (await client.error("prompts/list", {"cursor": cursor}))["code"] == -32602


# --- greetings -------------------------------------------------------------------------------------------------------


async def greeting(client: Client) -> Any:
    if client.era == "modern":
        return await client.result("server/discover")
    client.agent.session = None
    return (await client.agent.initialize()).json["result"]


@pytest.mark.parametrize("era", ERAS)
async def test_an_endpoint_mirrors_what_its_server_declares_and_the_gateway_forwards(world: World, era: str) -> None:
    said = await greeting(await Client.connect(world, era))
    assert said["capabilities"] == {
        "tools": {"listChanged": True},
        "resources": {"subscribe": True, "listChanged": True},
        "prompts": {"listChanged": True},
        "completions": {},
        "logging": {},
    }
    assert "Search before you read." in said["instructions"]


@pytest.mark.parametrize("era", ERAS)
async def test_an_agent_hears_of_nothing_that_it_was_not_given(era: str) -> None:
    world = await library(grants=Grants())
    said = await greeting(await Client.connect(world, era, agent="guest"))
    assert said["capabilities"] == {"tools": {"listChanged": True}}


@pytest.mark.parametrize("era", ERAS)
async def test_the_common_endpoint_declares_what_any_server_does_and_repeats_nobodys_instructions(
    world: World, era: str
) -> None:
    docs = world.upstreams[DOCS]
    docs.described = replace(docs.described, capabilities={"tools": {}})
    await world.catalogue.refresh(DOCS)
    client = await Client.connect(world, era, "/mcp")
    said = await greeting(client)
    assert said["capabilities"]["resources"] == {"subscribe": True, "listChanged": True}
    assert "Search before you read." not in said["instructions"]
    client.agent.path = "/mcp/docs"
    assert (await greeting(client))["capabilities"] == {"tools": {}}


# --- who may come ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/mcp", "/mcp/docs", "/mcp/unknown"])
async def test_resource_metadata_names_the_endpoint_and_nothing_else(world: World, path: str) -> None:
    app = gateway(world)
    exchange = await start(app, "GET", f"/.well-known/oauth-protected-resource{path}", {"host": HOST}).done()
    assert exchange.status == 200
    assert exchange.json == {"resource": f"http://{HOST}{path or '/mcp'}", "bearer_methods_supported": ["header"]}


async def test_resource_metadata_names_the_authorization_servers_of_the_operator(world: World) -> None:
    app = gateway(world, issuers=("https://login.example/tenant", "http://127.0.0.1:9000"))
    path = "/.well-known/oauth-protected-resource/mcp/docs"
    exchange = await start(app, "GET", path, {"host": HOST.upper()}).done()
    assert exchange.json == {
        "resource": f"http://{HOST}/mcp/docs",
        "bearer_methods_supported": ["header"],
        "authorization_servers": ["https://login.example/tenant", "http://127.0.0.1:9000"],
    }


async def test_naming_an_authorization_server_gives_nobody_access(world: World) -> None:
    stranger = Agent(gateway(world, issuers=("https://login.example",)), "eyJhbGciOiJub25lIn0.e30.", path="/mcp/docs")
    assert (await stranger.modern("tools/list").done()).status == 401


async def test_resource_metadata_is_served_to_our_own_hosts_only(world: World) -> None:
    app, path = gateway(world), "/.well-known/oauth-protected-resource/mcp"
    assert (await start(app, "GET", path, {"host": "evil.example"}).done()).status == 421
    assert (await start(app, "GET", path, {"host": HOST, "origin": "http://evil.example"}).done()).status == 403
    assert (await start(app, "POST", path, {"host": HOST}).done()).status == 405
    assert (await start(app, "GET", path, {"host": HOST}, query=b"a=b").done()).status == 400


async def test_a_stranger_is_told_where_to_learn_more(world: World) -> None:
    stranger = Agent(gateway(world), "unknown", path="/mcp/docs")
    exchange = await stranger.modern("tools/list").done()
    assert exchange.status == 401
    where = f"http://{HOST}/.well-known/oauth-protected-resource/mcp/docs"
    assert exchange.header("www-authenticate") == f'Bearer resource_metadata="{where}"'
