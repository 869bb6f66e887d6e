"""Credentials that are bound to a key: every request proves it (RFC 9449, section 7)."""

from typing import Any

import pytest

from ringfence.adapters.identity.dpop import DpopProofs
from ringfence.core.model.identifiers import AgentId
from ringfence.engine.runs.runs import Opened
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.gateway import HOST, Agent, gateway
from ringfence.testing.keys import SigningKey
from ringfence.testing.world import World

URL = f"http://{HOST}/mcp"
KEY = SigningKey()

pytestmark = pytest.mark.requirement("I8")


class Bound:
    """A gateway and a run whose credential is bound to a key."""

    def __init__(self, world: World, opened: Opened) -> None:
        self.world = world
        self.credential = opened.credential
        self.app = gateway(world, proofs=DpopProofs(world.clock, world.entropy))
        world.clock.advance(15_000)

    @classmethod
    async def open(cls) -> "Bound":
        world = await World.build()
        opened = await world.runs.open(AgentId("support"), "x", by="operator:ada", trusted=True, binding=KEY.binding)
        assert isinstance(opened, Opened)
        return cls(world, opened)

    def proof(self, key: SigningKey = KEY, method: str = "POST", url: str = URL, **claims: Any) -> str:
        return key.proof(method, url, self.credential, self.world.clock.now(), **claims)

    async def call(self, **headers: str | None) -> Exchange:
        given: dict[str, str | None] = {"authorization": f"DPoP {self.credential}", "dpop": self.proof()}
        agent = Agent(self.app, self.credential)
        params = {"name": "orders__get", "arguments": {"order": "A1"}}
        return await agent.modern("tools/call", params, **{**given, **headers}).done()


async def test_a_request_with_its_proof_is_served() -> None:
    bound = await Bound.open()
    answered = await bound.call()
    assert answered.status == 200
    assert answered.json["result"]["isError"] is False


async def test_the_credential_alone_is_worth_nothing() -> None:
    bound = await Bound.open()
    as_bearer = await bound.call(authorization=f"Bearer {bound.credential}", dpop=None)
    assert as_bearer.status == 401
    unknown = await bound.call(authorization="Bearer rfr_unknown", dpop=None)
    assert (as_bearer.json["error"], as_bearer.headers) == (unknown.json["error"], unknown.headers)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"dpop": None}, "invalid_dpop_proof"),
        ({"dpop": "nonsense"}, "invalid_dpop_proof"),
        ({"dpop": "a" * 20_000}, "invalid_dpop_proof"),
        ({"authorization": None}, "invalid_dpop_proof"),
        ({"authorization": "DPoP "}, "invalid_dpop_proof"),
    ],
    ids=str,
)
async def test_a_request_without_a_readable_proof_is_told_so(headers: dict[str, str | None], error: str) -> None:
    bound = await Bound.open()
    refused = await bound.call(**headers)
    assert refused.status == 401
    challenge = refused.header("www-authenticate") or ""
    assert f'error="{error}"' in challenge
    assert 'algs="ES256 EdDSA Ed25519"' in challenge


async def test_a_proof_beside_a_bearer_credential_is_refused() -> None:
    bound = await Bound.open()
    assert (await bound.call(authorization=f"Bearer {bound.credential}")).status == 401


async def test_a_proof_counts_once() -> None:
    bound = await Bound.open()
    proof = bound.proof()
    assert (await bound.call(dpop=proof)).status == 200
    assert (await bound.call(dpop=proof)).status == 401
    assert (await bound.call()).status == 200


async def test_a_thief_with_a_key_of_its_own_is_refused_and_uses_nothing_up() -> None:
    bound = await Bound.open()
    thief = bound.proof(SigningKey(), jti="same")
    assert (await bound.call(dpop=thief)).status == 401
    assert (await bound.call(dpop=bound.proof(jti="same"))).status == 200


async def test_a_credential_that_is_bound_to_nobody_takes_no_proof() -> None:
    world = await World.build()
    free = await world.open_run()
    bound = Bound(world, free)
    assert (await bound.call()).status == 401
    assert (await bound.call(authorization=f"Bearer {free.credential}", dpop=None)).status == 200


async def test_a_proof_from_before_the_process_is_asked_for_anew_with_a_nonce() -> None:
    bound = await Bound.open()
    early = bound.proof(iat=bound.world.clock.now() // 1000 - 16)
    refused = await bound.call(dpop=early)
    assert refused.status == 401
    assert 'error="use_dpop_nonce"' in (refused.header("www-authenticate") or "")
    nonce = refused.header("dpop-nonce")
    again = bound.proof(iat=bound.world.clock.now() // 1000 - 16, nonce=nonce)
    assert (await bound.call(dpop=again)).status == 200


@pytest.mark.parametrize("path", ["/runs/renew", "/runs/close"])
async def test_runs_are_renewed_and_closed_with_a_proof_for_that_place(path: str) -> None:
    bound = await Bound.open()

    async def post(proof_url: str) -> int:
        headers = {
            "host": HOST,
            "content-type": "application/json",
            "authorization": f"DPoP {bound.credential}",
            "dpop": bound.proof(url=proof_url),
        }
        return (await start(bound.app, "POST", path, headers).done()).status

    assert await post(URL) == 401
    assert await post(f"http://{HOST}{path}") == 200


async def test_two_proofs_on_one_request_are_refused_before_anything_is_known() -> None:
    bound = await Bound.open()
    headers = [*Agent(bound.app, bound.credential).headers(authorization=f"DPoP {bound.credential}").items()]
    headers += [("dpop", bound.proof()), ("DPoP", bound.proof())]
    assert (await start(bound.app, "POST", "/mcp", headers, b"{}").done()).status == 400


async def test_a_gateway_without_proofs_accepts_none() -> None:
    bound = await Bound.open()
    bound.app = gateway(bound.world)
    assert (await bound.call()).status == 401


async def test_the_metadata_names_the_algorithms() -> None:
    bound = await Bound.open()
    answer = await start(bound.app, "GET", "/.well-known/oauth-protected-resource/mcp", {"host": HOST}).done()
    assert answer.json["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA", "Ed25519"]


async def test_a_legacy_session_asks_for_a_proof_with_each_request() -> None:
    bound = await Bound.open()
    agent = Agent(bound.app, bound.credential)
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    scheme = f"DPoP {bound.credential}"
    opened = await agent.legacy("initialize", client, authorization=scheme, dpop=bound.proof()).done()
    agent.session = opened.header("mcp-session-id")
    assert agent.session
    assert (await agent.legacy("tools/list", authorization=scheme).done()).status == 401
    assert (await agent.legacy("tools/list").done()).status == 401
    assert (await agent.legacy("tools/list", authorization=scheme, dpop=bound.proof()).done()).status == 200
