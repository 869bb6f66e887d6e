"""Agents whom an issuer or a certificate vouches for, at the gateway."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ringfence.adapters.identity.dpop import DpopProofs
from ringfence.adapters.identity.outside import Authorities
from ringfence.adapters.pep.mcp_gateway.app import McpGateway
from ringfence.adapters.pep.mcp_gateway.callers import Callers
from ringfence.adapters.pep.mcp_gateway.parse import Head
from ringfence.adapters.pep.mcp_gateway.peer import PEER_KEY, Listener, Peer, PeerCertificate
from ringfence.adapters.pep.mcp_gateway.places import Place
from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.issuer import Believed, Issuer
from ringfence.core.model.run import OUTSIDE, Posture, Run, RunState
from ringfence.engine.identity.identify import Principal, Unidentified, identify
from ringfence.engine.runs.runs import NotDone, Opened
from ringfence.ports.identity import BadProof
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.gateway import HOST, Agent, gateway
from ringfence.testing.keys import SigningKey
from ringfence.testing.scenario import shop_rules
from ringfence.testing.world import World

pytestmark = pytest.mark.requirement("I8")

ISSUER = "https://idp.example"
AUDIENCE = "https://gate.example"
SPIFFE = "spiffe://example.org/desk"
KEY, CLIENT = SigningKey(), SigningKey()
AGENTS = {"client_id": {"desk": "support", "shelf": "reader"}}


class Outside:
    """A gateway that believes one issuer and one certificate."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.keys = folder / "keys.json"
        self.keys.write_text(json.dumps({"keys": [KEY.published]}))
        self.authorities = Authorities(self.options(), world.clock)
        proofs = DpopProofs(world.clock, world.entropy)
        self.app: McpGateway = gateway(world, outside=self.authorities, proofs=proofs)
        world.clock.advance(15_000)

    def options(self, agents: Any = AGENTS, certificates: Any = None) -> Believed:
        issuer = Issuer(url=ISSUER, audience=AUDIENCE, file=str(self.keys), agents=agents)
        return Believed(issuers=(issuer,), certificates={SPIFFE: "support"} if certificates is None else certificates)

    @classmethod
    async def open(cls, folder: Path) -> "Outside":
        return cls(await World.build(), folder)

    def token(self, **changes: Any) -> str:
        now_s = self.world.clock.now() // 1000
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "client_id": "desk", "exp": now_s + 300, **changes}
        return KEY.sign(said, {"kid": KEY.kid, "typ": "at+jwt"})

    async def call(self, token: str, **headers: str | None) -> Exchange:
        agent = Agent(self.app, token)
        params = {"name": "orders__get", "arguments": {"order": "A1"}}
        return await agent.modern("tools/call", params, **headers).done()

    async def call_as(self, peer: Peer, **headers: str | None) -> Exchange:
        given = Agent(self.app, "").headers(authorization=None, **headers)
        message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
        return await start(self.app, "POST", "/mcp", given, json.dumps(message).encode(), extensions={PEER_KEY: peer}).done()

    async def runs(self) -> list[Run]:
        return [run for run in await self.world.store.runs() if run.opened_by.startswith(OUTSIDE)]


INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}


async def test_a_subject_has_one_run_opened_at_first_sight_and_recorded(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    for token in (outside.token(), outside.token(), outside.token(jti="x")):
        assert (await outside.call(token)).status == 200
    (run,) = await outside.runs()
    assert (run.agent, run.task_trusted, run.expires_at) == ("support", False, None)
    assert json.loads(run.opened_by.removeprefix(OUTSIDE)) == [ISSUER, "desk", "u1"]
    opened = next(entry for entry in await outside.world.entries() if entry["kind"] == "run")
    assert json.loads(opened["body"]["subject"]) == [ISSUER, "desk", "u1"]
    assert opened["by"] == "gateway"
    assert (await outside.call(outside.token(sub="u2"))).status == 200
    assert len(await outside.runs()) == 2


async def test_the_run_outlives_the_process(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    await outside.call(outside.token())
    again = Outside(outside.world, tmp_path)
    assert (await again.call(again.token())).status == 200
    assert len(await again.runs()) == 1


@pytest.mark.parametrize(
    "changes", [{"aud": "https://else.example"}, {"client_id": "unknown"}, {"exp": 5}, {"iss": "https://x.example"}], ids=str
)
async def test_a_stranger_gets_the_one_refusal_and_no_run(tmp_path: Path, changes: dict[str, Any]) -> None:
    outside = await Outside.open(tmp_path)
    refused, unknown = await outside.call(outside.token(**changes)), await outside.call("rfr_unknown")
    assert (refused.status, refused.json["error"], refused.headers) == (401, unknown.json["error"], unknown.headers)
    assert await outside.runs() == []


async def test_a_token_that_expires_ends_nothing_but_itself(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    token = outside.token()
    assert (await outside.call(token)).status == 200
    outside.world.clock.advance(301_000)
    assert (await outside.call(token)).status == 401
    assert (await outside.call(outside.token())).status == 200
    assert len(await outside.runs()) == 1


async def test_a_run_that_an_operator_ended_is_not_opened_again_by_the_next_token(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    await outside.call(outside.token())
    (run,) = await outside.runs()
    await outside.world.runs.close(run.id, by="operator:ada", why="enough")
    for _ in range(2):
        assert (await outside.call(outside.token())).status == 401
    assert await outside.runs() == []
    outside.world.clock.advance(10 * 24 * 3_600_000)
    await outside.world.housekeeping.prune()
    assert (await outside.call(outside.token())).status == 401
    again = await outside.world.outsiders.readmit(run.id, by="operator:ada")
    assert not isinstance(again, NotDone)
    assert (await outside.call(outside.token())).status == 200
    assert [found.id for found in await outside.runs()] == [again.id]


async def test_a_subject_cannot_write_on_the_terminal_of_whoever_reads_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outside = await Outside.open(tmp_path)
    token = outside.token(sub="u\x9b2J\u202e1")
    assert (await outside.call(token)).status == 200
    await outside.world.runs.close((await outside.runs())[0].id, by="operator:ada", why="x")
    assert (await outside.call(token)).status == 401
    assert "<U+202E>" in caplog.text
    assert not {"\x9b", "\u202e"} & set(caplog.text)


async def test_readmission_is_for_the_newest_run_of_somebody_outside(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    opened = await outside.world.open_run()
    for run in (opened.run.id, RunId("r_none")):
        assert isinstance(await outside.world.outsiders.readmit(run, by="operator:ada"), NotDone)
    await outside.call(outside.token())
    (first,) = await outside.runs()
    assert not isinstance(await outside.world.outsiders.readmit(first.id, by="operator:ada"), NotDone)
    assert isinstance(await outside.world.outsiders.readmit(first.id, by="operator:ada"), NotDone)


async def test_a_subject_that_maps_to_another_agent_gets_another_run(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    await outside.call(outside.token())
    (before,) = await outside.runs()
    outside.authorities.replace(outside.options({"client_id": {"desk": "reader"}}))
    assert (await outside.call(outside.token())).status == 200
    (after,) = await outside.runs()
    assert (before.agent, after.agent) == ("support", "reader")
    ended = await outside.world.store.run(before.id)
    assert ended is not None
    assert ended.state is RunState.CLOSED


async def test_an_agent_that_is_gone_is_nobody(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    rules = shop_rules()
    agents = {name: rule for name, rule in rules.agents.items() if name != AgentId("support")}
    outside.world.catalogue.replace(dataclasses.replace(rules, agents=agents), dict(outside.world.catalogue.upstreams))
    assert (await outside.call(outside.token())).status == 401
    assert await outside.runs() == []


async def test_a_subject_is_not_its_own_to_close(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    await outside.call(outside.token())
    headers = {"host": HOST, "content-type": "application/json", "authorization": f"Bearer {outside.token()}"}
    assert (await start(outside.app, "POST", "/runs/close", headers).done()).status == 409
    assert (await start(outside.app, "POST", "/runs/renew", headers).done()).status == 200


async def test_a_subject_cannot_be_asserted(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    await outside.call(outside.token())
    (run,) = await outside.runs()
    (row,) = await outside.world.store.credentials(run.id)
    for tried in (row.hash, row.hash.removeprefix(OUTSIDE), run.opened_by, run.opened_by.removeprefix(OUTSIDE), run.id):
        assert (await outside.call(tried)).status == 401


async def test_a_token_bound_to_a_key_needs_its_proof(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    token = outside.token(cnf={"jkt": CLIENT.binding.removeprefix("jkt:")})
    now = outside.world.clock.now()

    async def with_proof(key: SigningKey, token: str) -> int:
        proof = key.proof("POST", f"http://{HOST}/mcp", token, now)
        return (await outside.call(token, authorization=f"DPoP {token}", dpop=proof)).status

    assert (await outside.call(token)).status == 401
    assert await with_proof(SigningKey(), token) == 401
    assert await with_proof(CLIENT, token) == 200
    assert await with_proof(CLIENT, outside.token()) == 401, "a token that is bound to nobody takes no proof"


def certificate(*uris: str, until: int = 1 << 60, thumbprint: str = "A" * 43) -> Peer:
    return Peer(Listener.TCP, certificate=PeerCertificate(thumbprint=thumbprint, uris=uris, until=until))


async def test_a_certificate_is_its_subjects_run(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    assert (await outside.call_as(certificate(SPIFFE))).status == 200
    assert (await outside.call_as(certificate(SPIFFE, thumbprint="B" * 42 + "A"))).status == 200, "certificates are renewed"
    (run,) = await outside.runs()
    assert run.opened_by == OUTSIDE + SPIFFE


@pytest.mark.parametrize(
    "peer",
    [
        Peer(),
        certificate(),
        certificate("spiffe://example.org/other"),
        certificate(SPIFFE, "spiffe://example.org/other"),
        certificate(SPIFFE, until=1),
    ],
    ids=str,
)
async def test_another_certificate_is_nobodys(tmp_path: Path, peer: Peer) -> None:
    outside = await Outside.open(tmp_path)
    assert (await outside.call_as(peer)).status == 401
    assert await outside.runs() == []


async def test_a_credential_that_was_tried_is_not_made_good_by_a_certificate(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    given = Agent(outside.app, "wrong").headers()
    message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}).encode()
    peer = certificate(SPIFFE)
    assert (await start(outside.app, "POST", "/mcp", given, message, extensions={PEER_KEY: peer}).done()).status == 401


async def test_a_hundred_first_sights_at_once_open_one_run(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    answers = await asyncio.gather(*(outside.call(outside.token()) for _ in range(30)))
    assert {answer.status for answer in answers} == {200}
    assert len(await outside.runs()) == 1


@pytest.mark.requirement("I17")
async def test_one_subject_does_not_use_anothers_session(tmp_path: Path) -> None:
    outside = await Outside.open(tmp_path)
    one = Agent(outside.app, outside.token())
    await one.initialize()
    one.credential = outside.token(sub="u2")
    assert (await one.legacy("tools/list").done()).status == 404


@pytest.mark.requirement("I19")
@pytest.mark.parametrize("size", [8192, 8193, 30_000])
async def test_a_token_as_long_as_headers_may_be_is_only_refused(tmp_path: Path, size: int) -> None:
    outside = await Outside.open(tmp_path)
    assert (await outside.call("a." + "b" * (size - 4) + ".c")).status == 401


@pytest.mark.requirement("I8")
async def test_a_certificate_that_expires_while_a_request_is_open_binds_nobody_any_more() -> None:
    """A held call or a stream is identified again before anything is told; its connection began long ago."""
    world = await World.build()
    peer = certificate(SPIFFE, until=world.clock.now() + 60_000)
    assert peer.certificate is not None
    opened = await world.runs.open(AgentId("support"), "x", by="operator:ada", trusted=True, binding=peer.certificate.binding)
    assert isinstance(opened, Opened)
    callers = Callers(store=world.store, clock=world.clock, posture_of=lambda _: Posture.SEPARATE, anonymous=None, proofs=None)
    head = Head(Place.MCP, None, "POST", {"authorization": f"Bearer {opened.credential}"}, opened.credential)
    caller = await callers.caller(head, peer)
    assert not isinstance(caller, BadProof)
    assert isinstance(await identify(world.store, world.clock, caller.presented), Principal)
    world.clock.advance(60_000)
    assert isinstance(await identify(world.store, world.clock, caller.presented), Unidentified)
