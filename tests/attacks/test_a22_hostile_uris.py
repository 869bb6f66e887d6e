"""A22: URIs and templates that explode in careless matchers."""

import pytest

from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.library import DOCS, library_rules, library_upstreams
from ringfence.testing.world import World

pytestmark = [pytest.mark.attack("A22"), pytest.mark.requirement("I19")]

EXPLODING = {
    "one long segment": "memo:" + "a" * 8000,
    "many segments": "memo:" + "a/" * 4000,
    "nested expressions": "memo:" + "{" * 4000 + "}" * 4000,
    "exploded lists": "memo:{a*}{b*}" + ",x" * 3900,
    "escapes": "memo:" + "%25" * 2600,
    "near misses of the granted pattern": "file:///public" * 570,
}


@pytest.mark.parametrize("uri", EXPLODING.values(), ids=EXPLODING.keys())
@pytest.mark.parametrize("path", ["/mcp", "/mcp/docs"])
async def test_a_long_uri_is_decided_like_a_short_one(uri: str, path: str) -> None:
    world = await World.build(rules=library_rules(), upstreams=library_upstreams())
    agent = Agent(gateway(world), await world.open_run("writer"), path=path)
    shown = uri if path == "/mcp/docs" else f"ringfence:docs:{uri}"
    exchange = await agent.modern("resources/read", {"uri": shown}).done()
    executed = world.upstreams[DOCS].executed
    if uri.startswith("memo:") and len(shown) <= 8192:
        assert [sending.method for sending in executed] == ["resources/read"]
    else:
        assert "error" in exchange.json or exchange.json["result"]["isError"]
        assert executed == []


@pytest.mark.parametrize("uri", ["memo:" + "a" * 9000, "", "memo:" + "a" * 1_000_000])
async def test_a_uri_that_is_too_long_or_empty_goes_nowhere(uri: str) -> None:
    world = await World.build(rules=library_rules(), upstreams=library_upstreams())
    agent = Agent(gateway(world), await world.open_run("writer"), path="/mcp/docs")
    assert (await agent.modern("resources/read", {"uri": uri}).done()).status == 400
    assert world.upstreams[DOCS].executed == []
