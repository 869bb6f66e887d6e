"""A24: a server hears of no more than the client can do and the operator granted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.mcp.asking import granted_capabilities
from ringfence.core.rules import Grants
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.library import DOCS, library_rules, library_upstreams
from ringfence.testing.world import World

pytestmark = pytest.mark.attack("A24")

modes = st.dictionaries(st.sampled_from(["form", "url", "other"]), st.just({}), max_size=3)
declarations = st.fixed_dictionaries(
    {},
    optional={
        "sampling": st.just({"context": {}, "tools": {}}),
        "roots": st.just({"listChanged": True}),
        "elicitation": modes | st.none() | st.booleans() | st.lists(st.text(max_size=2), max_size=2),
        "experimental": st.just({"x": {}}),
        "extensions": st.just({"io.modelcontextprotocol/tasks": {}}),
        "tasks": st.just({}),
    },
)
grants = st.builds(
    Grants,
    sampling=st.booleans(),
    elicitation_form=st.booleans(),
    elicitation_hosts=st.sampled_from([frozenset[str](), frozenset({"pay.example"})]),
    roots=st.booleans(),
)


@given(declarations, grants)
def test_what_is_declared_to_a_server_was_declared_by_the_client_and_granted(declared: dict[str, Any], given_: Grants) -> None:
    told = granted_capabilities(declared, given_)
    assert set(told) <= set(declared) & {"sampling", "roots", "elicitation"}
    assert given_.sampling or "sampling" not in told
    assert given_.roots or "roots" not in told
    own = declared.get("elicitation")
    for mode in told.get("elicitation", {}):
        assert mode in own or (mode == "form" and own == {})
        assert given_.elicitation_form if mode == "form" else given_.elicitation_hosts


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_the_gateway_never_declares_a_capability_of_its_own(era: str) -> None:
    world = await World.build(rules=library_rules(), upstreams=library_upstreams())
    agent = Agent(gateway(world), await world.open_run("writer"))
    for declared in ({}, {"roots": {}}, {"elicitation": {}, "extensions": {"x/y": {}}, "experimental": {"z": {}}}):
        agent.capabilities, agent.session = declared, None
        if era == "legacy":
            await agent.initialize()
        call = agent.modern_call if era == "modern" else agent.legacy_call
        assert (await call("docs__search", {"text": "x"}).done()).status == 200
        sent = world.upstreams[DOCS].executed[-1]
        assert set(sent.capabilities) == set(declared) & {"roots", "elicitation"}
