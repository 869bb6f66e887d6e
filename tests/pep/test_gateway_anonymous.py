"""A request without a credential: who it is, and who it never is."""

import asyncio
import json
import socket
from dataclasses import replace
from typing import cast

import pytest

from ringfence.adapters.pep.mcp_gateway.local_peer import local_peer
from ringfence.adapters.pep.mcp_gateway.peer import PEER_KEY, Listener, Peer
from ringfence.engine.runs.anonymous import Anonymous
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.scenario import READER, shop_rules
from ringfence.testing.world import World

HERE = Peer(Listener.TCP, 1000, loopback=True)
NOBODY = 401


async def a_world() -> World:
    rules = shop_rules()
    agents = {**rules.agents, READER: replace(rules.agents[READER], unsafe_anonymous=True)}
    return await World.build(rules=replace(rules, agents=agents))


async def asked(world: World, peer: Peer | None, path: str = "/mcp", **headers: str | None) -> Exchange:
    """A legacy opening, from a peer, with the usual headers less `Authorization`, plus those given."""
    anonymous = Anonymous(runs=world.runs, store=world.store, catalogue=world.catalogue)
    await anonymous.prepare()
    app = gateway(world, anonymous=anonymous)
    lines = Agent(app, "").headers(**{"authorization": None, **headers})
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    extensions = {} if peer is None else {PEER_KEY: peer}
    return await start(app, "POST", path, lines, json.dumps(message).encode(), extensions=extensions).done()


async def test_from_this_machine_it_is_the_anonymous_agent() -> None:
    assert (await asked(await a_world(), HERE)).status == 200


async def test_without_the_configuration_it_is_nobody() -> None:
    assert (await asked(await World.build(), HERE)).status == NOBODY


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("peer", [None, Peer(), Peer(Listener.TCP, 1000), Peer(Listener.UNIX, 1000)], ids=str)
async def test_from_anywhere_else_it_is_nobody(peer: Peer | None) -> None:
    assert (await asked(await a_world(), peer)).status == NOBODY


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("value", ["Bearer wrong", "Bearer ", "Basic YTpi", "", "Bearer " + "x" * 600])
async def test_a_wrong_credential_stays_wrong(value: str) -> None:
    assert (await asked(await a_world(), HERE, authorization=value)).status == NOBODY


async def test_runs_are_not_for_the_anonymous_agent_to_renew_or_end() -> None:
    for path in ("/runs/renew", "/runs/close"):
        assert (await asked(await a_world(), HERE, path)).status == NOBODY


async def test_a_web_page_is_refused_before_anybody_asks_who_it_is() -> None:
    assert (await asked(await a_world(), HERE, origin="https://evil.example")).status == 403
    assert (await asked(await a_world(), HERE, host="evil.example")).status == 421


class Ends:
    """A transport between two addresses."""

    def __init__(self, here: object, there: object) -> None:
        self._ends = {"sockname": here, "peername": there, "socket": None}

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._ends.get(name, default)


def is_local(here: object, there: object) -> bool:
    return local_peer(cast(asyncio.Transport, Ends(here, there)), lambda _: None).loopback


@pytest.mark.requirement("I16")
@pytest.mark.parametrize(
    ("here", "there", "local"),
    [
        (("127.0.0.1", 7410), ("127.0.0.1", 5000), True),
        (("127.0.0.1", 7410), ("127.8.9.1", 5000), True),
        (("10.0.0.1", 7410), ("10.0.0.1", 5000), False),
        (("10.0.0.1", 7410), ("127.0.0.1", 5000), False),
        (("127.0.0.1", 7410), ("10.0.0.1", 5000), False),
        (("::1", 7410, 0, 0), ("::1", 5000, 0, 0), False),
        (None, None, False),
    ],
)
def test_only_loopback_on_both_ends_is_this_machine(here: object, there: object, local: bool) -> None:
    assert is_local(here, there) is local


def test_the_peers_of_real_connections_are_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        accepted, _ = server.accept()
        with accepted:
            assert is_local(accepted.getsockname(), accepted.getpeername())
