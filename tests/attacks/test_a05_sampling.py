"""A5: what a server may have the client's model do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.mcp.asking import Request, granted_capabilities, judge
from ringfence.core.model.identifiers import ServerId
from ringfence.core.rules import Grants
from ringfence.ports.upstream import Declined, ServerRequest
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.library import EVERYTHING, WIKI, library_rules, library_upstreams
from ringfence.testing.world import World

pytestmark = pytest.mark.attack("A5")
SERVER = ServerId("docs")
ASK = {"maxTokens": 10, "messages": [], "systemPrompt": "Be brief."}


def test_nothing_is_declared_and_nothing_passes_unless_it_was_granted() -> None:
    assert granted_capabilities({"sampling": {"tools": {}}}, Grants()) == {}
    assert judge("sampling/createMessage", ASK, SERVER, Grants()) == "not granted"


async def test_a_request_that_was_not_granted_never_reaches_the_client() -> None:
    world = await World.build(rules=library_rules(grants=Grants()), upstreams=library_upstreams())
    world.upstreams[WIKI].asks["search"] = ({"q": ServerRequest("sampling/createMessage", ASK)},)
    agent = Agent(gateway(world), await world.open_run("writer"))
    agent.capabilities = {"sampling": {}}
    exchange = await agent.modern_call("wiki__search", {"text": "x"}).done()
    assert exchange.json["result"]["resultType"] == "complete"
    assert b"Be brief" not in exchange.body
    (sent,) = world.upstreams[WIKI].executed
    assert sent.capabilities == {}
    assert all(isinstance(answer, Declined) for round_ in world.upstreams[WIKI].answers for answer in round_.values())


@given(
    tokens=st.one_of(st.integers(-10, 10_000), st.booleans(), st.none(), st.floats(allow_nan=False), st.text(max_size=3)),
    extra=st.dictionaries(st.sampled_from(["includeContext", "tools", "toolChoice", "temperature"]), st.integers(), max_size=4),
)
def test_a_granted_request_is_bounded_and_sees_no_other_servers_context(tokens: Any, extra: dict[str, Any]) -> None:
    judged = judge("sampling/createMessage", {**ASK, **extra, "maxTokens": tokens}, SERVER, EVERYTHING)
    if not isinstance(judged, Request):
        assert type(tokens) is not int or tokens > EVERYTHING.sampling_tokens
        return
    assert type(tokens) is int
    assert tokens <= EVERYTHING.sampling_tokens
    assert not {"includeContext", "tools", "toolChoice"} & set(judged.params)
    assert judged.params["systemPrompt"].startswith("[docs] ")
