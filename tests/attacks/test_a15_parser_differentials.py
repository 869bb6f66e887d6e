"""A15: every row of the table of what parsers disagree about, against the whole front; servers get canonical JSON only."""

import json

import pytest

from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.testing.gateway import LEGACY, MODERN, Agent, gateway
from ringfence.testing.scenario import ORDERS, PAYMENTS
from ringfence.testing.world import World

pytestmark = [pytest.mark.attack("A15"), pytest.mark.requirement("I4")]

GOOD = b'{"order":"A1"}'
REFUSED: dict[str, bytes] = {
    "duplicate key": b'{"order":"A1","order":"A2"}',
    "duplicate key, escaped": b'{"order":"A1","\\u006frder":"A2"}',
    "Name beside name": b'{"order":"A1","Order":"A2"}',
    "key with a trailing NUL": b'{"order":"A1","order\\u0000":"A2"}',
    "full-width key": '{"order":"A1","ｏｒｄｅｒ":"A2"}'.encode(),
    "NaN": b'{"order":NaN}',
    "Infinity": b'{"order":-Infinity}',
    "1e400": b'{"order":1e400}',
    "2^64+1": b'{"order":18446744073709551617}',
    "2^53+1": b'{"order":9007199254740993}',
    "escaped lone surrogate": b'{"order":"\\ud800"}',
    "invalid UTF-8": b'{"order":"\xff"}',
    "raw surrogate bytes": b'{"order":"\xed\xa0\x80"}',
    "U+0000 in a string": b'{"order":"\\u0000"}',
    "200 deep": b'{"order":' + b"[" * 200 + b"]" * 200 + b"}",
    "10,000 deep": b'{"order":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "comment": b'{"order":"A1"/**/}',
    "trailing comma": b'{"order":"A1",}',
}
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
}


def whole(arguments: bytes, *, modern: bool, identity: bytes = b"1", envelope: bytes = b"") -> bytes:
    meta = b',"_meta":' + json.dumps(META).encode() if modern else b""
    params = b'{"name":"orders__get","arguments":' + arguments + meta + b"}"
    return b'{"jsonrpc":"2.0","id":' + identity + b',"method":"tools/call","params":' + params + envelope + b"}"


class Front:
    """A gateway whose servers write down what they executed."""

    def __init__(self, world: World, agent: Agent) -> None:
        self.world = world
        self.agent = agent

    async def send(self, body: bytes, *, modern: bool) -> int:
        routing = {"mcp_protocol_version": MODERN, "mcp_method": "tools/call", "mcp_name": "orders__get"}
        session = {"mcp_protocol_version": LEGACY, "mcp_session_id": self.agent.session}
        exchange = await self.agent.post(body, self.agent.headers(**(routing if modern else session))).done()
        return exchange.status

    @property
    def executed(self) -> list[bytes]:
        return [sending.arguments for server in (ORDERS, PAYMENTS) for sending in self.world.upstreams[server].executed]


@pytest.fixture
async def front() -> Front:
    world = await World.build()
    agent = Agent(gateway(world), await world.open_run())
    await agent.initialize()
    return Front(world, agent)


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("arguments", REFUSED.values(), ids=REFUSED.keys())
async def test_arguments_that_parsers_disagree_about_go_nowhere(front: Front, arguments: bytes, modern: bool) -> None:
    assert await front.send(whole(arguments, modern=modern), modern=modern) == 400
    assert front.executed == []


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("identity", [b"1.0", b"null", b"true", b"[]", b"{}", b"1e2", b"9007199254740993"])
async def test_an_id_that_parsers_disagree_about_is_no_notification(front: Front, identity: bytes, modern: bool) -> None:
    assert await front.send(whole(GOOD, modern=modern, identity=identity), modern=modern) == 400
    assert front.executed == []


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize(
    "envelope",
    [b',"Params":{}', ',"param\u017f":{}'.encode(), b',"method\\u0000":"ping"', b',"id":2', b',"x":1', b',"result":{}'],
)
async def test_an_envelope_with_anything_else_in_it_goes_nowhere(front: Front, envelope: bytes, modern: bool) -> None:
    assert await front.send(whole(GOOD, modern=modern, envelope=envelope), modern=modern) == 400
    assert front.executed == []


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
async def test_a_body_in_another_encoding_goes_nowhere(front: Front, encoding: str, modern: bool) -> None:
    body = whole(b'{"order":"\xc3\xa9"}', modern=modern).decode().encode(encoding)
    assert await front.send(body, modern=modern) == 400
    assert front.executed == []


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("after", [b"x", b"{}", b"\x00", b",", b"\n\n{}"])
async def test_a_body_with_something_after_it_goes_nowhere(front: Front, after: bytes, modern: bool) -> None:
    assert await front.send(whole(GOOD, modern=modern) + after, modern=modern) == 400
    assert front.executed == []


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("arguments", [GOOD, b' {"order" : "\\u0041\\u0031" } ', b'{\n\t"order":"A1"\r\n}'])
async def test_a_server_gets_the_gateways_own_encoding(front: Front, arguments: bytes, modern: bool) -> None:
    assert await front.send(whole(arguments, modern=modern), modern=modern) == 200
    assert front.executed == [GOOD]
    assert canonical_bytes(parse_strict(front.executed[0])) == front.executed[0]
