"""A real gateway process over real TLS: credentials bound to certificates and keys, an issuer's tokens, SPIFFE ids."""

import base64
import datetime as dt
import hashlib
import json
import ssl
import subprocess
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.servers.certificates import Authority
from tests.servers.gateway_process import ORDINARY, GatewayProcess, People

from ringfence.adapters.wire.mcp import modern_headers, modern_meta
from ringfence.testing.keys import SigningKey

pytestmark = pytest.mark.requirement("I8")

AUDIENCE = "https://gate.example/mcp"
SPIFFE = "spiffe://example.org/desk"
KEY, CLIENT = SigningKey("ec", "one"), SigningKey("ed")
TOOL: dict[str, Any] = {
    "name": "look",
    "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
}


@dataclass
class World:
    """An issuer and an upstream MCP server, each of which remembers what it was sent."""

    keys: list[SigningKey] = field(default_factory=lambda: [KEY])
    url: str = ""
    heard: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    called: int = 0

    async def publish(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [key.published for key in self.keys]})

    async def serve(self, request: web.Request) -> web.Response:
        self.heard.append(dict(request.headers))
        message = json.loads(await request.read())
        if "id" not in message:
            return web.Response(status=202)
        result: dict[str, Any] = {}
        match message["method"]:
            case "initialize":
                info = {"name": "s", "version": "1"}
                result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
            case "tools/list":
                result = {"tools": [TOOL]}
            case "tools/call":
                self.called += 1
                result = {"content": [{"type": "text", "text": "seen"}]}
            case _:
                pass
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

    def token(self, key: SigningKey = KEY, **changes: Any) -> str:
        now = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "u1", "client_id": "desk", "exp": now + 300, "iat": now, **changes}
        return key.sign(said, {"kid": key.kid, "typ": "at+jwt"})


@dataclass
class Gate:
    """The running gateway with its clients."""

    process: GatewayProcess
    people: People
    world: World
    authority: Authority

    async def call(
        self, credential: str | None = None, tls: ssl.SSLContext | None = None, proof_key: SigningKey | None = None
    ) -> tuple[int, Any]:
        """One `tools/call` on a connection of its own. Raises aiohttp.ClientError where TLS is refused."""
        url = f"{self.process.url}/mcp"
        params = {"name": "shop__look", "arguments": {}, "_meta": modern_meta()}
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            **modern_headers("tools/call", "shop__look"),
        }
        if credential is not None:
            headers["authorization"] = f"{'Bearer' if proof_key is None else 'DPoP'} {credential}"
            if proof_key is not None:
                now_ms = time.time_ns() // 1_000_000
                headers["dpop"] = proof_key.proof("POST", url, credential, now_ms)
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        connector = aiohttp.TCPConnector(ssl=tls or self.authority.client(), force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            for _ in range(2):
                async with session.post(url, json=body, headers=headers) as answer:
                    nonce = answer.headers.get("dpop-nonce")
                    if nonce is None or proof_key is None or credential is None:
                        return answer.status, json.loads(await answer.read())
                now_ms = time.time_ns() // 1_000_000
                headers["dpop"] = proof_key.proof("POST", url, credential, now_ms, nonce=nonce)
            raise AssertionError("the nonce was not accepted")


@asynccontextmanager
async def gate(folder: Path, client_certs: str = "optional") -> AsyncGenerator[Gate]:
    world, authority = World(), Authority(folder)
    cert, key, _ = authority.issue("server", server=True)
    app = web.Application()
    app.router.add_get("/keys", world.publish)
    app.router.add_post("/mcp", world.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    config = {
        "version": 1,
        "servers": {"shop": {"url": f"{world.url}/mcp", "era": "legacy", "headers": {"Authorization": "Bearer our-own"}}},
        "tools": {"shop.look": {"effect": "read", "sensitivity": "internal", "outbound": False}},
        "agents": {name: {"purpose": "looks", "tools": ["shop.*"], "only_mcp": True} for name in ("desk", "robot")},
        "listen": {"tls": {"cert": str(cert), "key": str(key), "client_ca": str(authority.file), "client_certs": client_certs}},
        "identity": {
            "issuers": [
                {
                    "url": world.url,
                    "audience": AUDIENCE,
                    "keys": {"jwks_url": f"{world.url}/keys"},
                    "agents": {"client_id": {"desk": "desk"}},
                }
            ],
            "certificates": {SPIFFE: "robot"},
        },
    }
    file = folder / "ringfence.yaml"
    file.write_text(json.dumps(config))
    try:
        async with GatewayProcess(file, folder / "state").running() as process, process.people() as people:
            await people.add_operator("ada", "admin")
            yield Gate(process, people, world, authority)
            assert await process.stop() == 0, process.errors()
    finally:
        await runner.cleanup()


def x5t(certificate: x509.Certificate) -> str:
    raw = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
    return "x5t:" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def open_run(gate: Gate, binding: str | None = None) -> str:
    body = {"agent": "desk", "task": "look", **({"binding": binding} if binding else {})}
    return (await gate.people.done("POST", "/runs", body))["credential"]


async def test_a_stolen_credential_is_of_no_use_and_the_upstream_never_sees_one(tmp_path: Path) -> None:
    async with gate(tmp_path) as running:
        mine, thiefs = running.authority.issue("mine"), running.authority.issue("thief")
        own, other = running.authority.client(mine), running.authority.client(thiefs)
        # bound to a certificate
        bound = await open_run(running, x5t(mine[2]))
        assert (await running.call(bound, own))[0] == 200
        assert [(await running.call(bound, tls))[0] for tls in (other, None)] == [401, 401]
        # bound to a DPoP key
        keyed = await open_run(running, CLIENT.binding)
        assert (await running.call(keyed, proof_key=CLIENT))[0] == 200
        assert (await running.call(keyed, proof_key=SigningKey()))[0] == 401
        assert (await running.call(keyed))[0] == 401
        # an issuer's token, bound to nobody and to each of them
        assert (await running.call(running.world.token()))[0] == 200
        certified = running.world.token(cnf={"x5t#S256": x5t(mine[2]).removeprefix("x5t:")})
        assert [(await running.call(certified, tls))[0] for tls in (own, other, None)] == [200, 401, 401]
        proven = running.world.token(cnf={"jkt": CLIENT.binding.removeprefix("jkt:")})
        assert [(await running.call(proven, proof_key=key))[0] for key in (CLIENT, SigningKey())] == [200, 401]
        assert (await running.call(running.world.token(aud="https://else.example")))[0] == 401
        assert (await running.call(running.world.token(SigningKey("ec", "one"))))[0] == 401
        # a SPIFFE certificate, and one that is nobody's
        svid = running.authority.issue("svid", uris=(SPIFFE,))
        assert (await running.call(tls=running.authority.client(svid)))[0] == 200
        assert (await running.call(tls=own))[0] == 401
        assert running.world.called == 6
        runs = (await running.people.done("GET", "/runs"))["runs"]
        assert sorted({binding for run in runs for binding in run["bound_to"]}) == sorted(
            {x5t(mine[2]), CLIENT.binding, "whoever the issuer or certificate says"}
        )
        for headers in running.world.heard:
            assert headers.get("Authorization") == "Bearer our-own"
            assert not {"DPoP", "Cookie", "Forwarded", "X-Forwarded-Client-Cert"} & {*headers}
        said = json.dumps([dict(headers) for headers in running.world.heard])
        assert not [secret for secret in (bound, keyed, certified, proven) if secret in said]


async def test_an_operator_ends_a_subject_and_lets_it_in_again(tmp_path: Path) -> None:
    async with gate(tmp_path) as running:
        assert (await running.call(running.world.token()))[0] == 200
        (run,) = (await running.people.done("GET", "/runs"))["runs"]
        await running.people.done("POST", f"/runs/{run['id']}/close", {})
        assert (await running.call(running.world.token()))[0] == 401
        again = await running.people.done("POST", f"/runs/{run['id']}/readmit", {})
        assert (await running.call(running.world.token()))[0] == 200
        (now,) = (await running.people.done("GET", "/runs"))["runs"]
        assert now["id"] == again["id"] != run["id"]


async def test_without_a_certificate_of_the_authority_nobody_says_anything(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    async with gate(tmp_path, "required") as running:
        credential = await open_run(running)
        mine = running.authority.issue("mine")
        assert (await running.call(credential, running.authority.client(mine)))[0] == 200
        foreign = Authority(tmp_path / "foreign", "foreign authority").issue("foreign", uris=(SPIFFE,))
        expired = running.authority.issue("expired", uris=(SPIFFE,), life=dt.timedelta(hours=-1))
        for shown in (None, foreign, expired):
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await running.call(credential, running.authority.client(shown))
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            async with aiohttp.ClientSession() as session:
                await session.get(running.process.url.replace("https", "http") + "/healthz")


def test_a_key_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    cert, key, _ = Authority(tmp_path).issue("server", server=True)
    key.chmod(0o644)
    file = tmp_path / "ringfence.yaml"
    file.write_text(json.dumps({"version": 1, "listen": {"tls": {"cert": str(cert), "key": str(key)}}}))
    command = [*ORDINARY, "up", "--config", str(file), "--state", str(tmp_path / "state"), "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "group or others can read this private key" in ended.stderr
    assert "ready" not in ended.stdout


async def test_the_agents_socket_binds_to_its_user_without_tls(tmp_path: Path) -> None:
    async with gate(tmp_path) as running:
        connector = aiohttp.UnixConnector(path=str(tmp_path / "state" / "agents.sock"))
        async with aiohttp.ClientSession("http://localhost", connector=connector) as session:
            async with session.post("/runs", json={"agent": "desk", "task": "x"}) as opened:
                credential = (await opened.json())["credential"]
            headers = {"authorization": f"Bearer {credential}", "content-type": "application/json"}
            async with session.post("/runs/renew", headers=headers) as renewed:
                assert renewed.status == 200
        assert (await running.call(credential))[0] == 401
