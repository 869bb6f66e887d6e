"""A real gateway, issuer, token endpoint and upstream: whose token is where, and where none ever is."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.app.cli_kit import short_folder
from tests.servers.gateway_process import GatewayProcess
from tests.servers.token_endpoint import CLIENT, SECRET, TokenEndpoint, token_endpoint

from ringfence.testing.keys import SigningKey

pytestmark = pytest.mark.requirement("I8")

AUDIENCE, TARGET = "https://gate.example/mcp", "https://crm.example"
OWN = "gateways-own-bearer-0001"
KEY = SigningKey("ec", "one")
TOOL: dict[str, Any] = {"name": "look", "inputSchema": {"type": "object", "properties": {}}}


@dataclass
class Upstream:
    """An MCP server that remembers every header that it was sent, by method."""

    url: str = ""
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])

    async def serve(self, request: web.Request) -> web.Response:
        message = json.loads(await request.read() or b"{}")
        self.heard.append((message.get("method", request.method), {k.lower(): v for k, v in request.headers.items()}))
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
                result = {"content": [{"type": "text", "text": f"seen {request.headers.get('authorization', 'nobody')}"}]}
            case _:
                pass
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return web.json_response(answer, headers={"mcp-session-id": "s1"})

    def given(self, *methods: str) -> list[str]:
        return [headers.get("authorization", "") for method, headers in self.heard if method in methods]


@dataclass
class Scene:
    gateway: GatewayProcess
    crm: Upstream
    other: Upstream
    endpoint: TokenEndpoint
    issuer: str
    state: Path

    def token(self, subject: str = "u1", **changes: Any) -> str:
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "client_id": "desk",
            "exp": now + 300,
            "iat": now,
            **changes,
        }
        return KEY.sign(said, {"kid": KEY.kid, "typ": "at+jwt"})

    async def call(self, credential: str, tool: str = "crm__look") -> Any:
        async with self.gateway.clients() as clients:
            return await clients.call(credential, tool, {})

    async def log(self) -> list[dict[str, Any]]:
        async with self.gateway.people() as people:
            return await people.log()


@asynccontextmanager
async def scene() -> AsyncGenerator[Scene]:
    crm, other = Upstream(), Upstream()

    async def publish(_: web.Request) -> web.Response:
        return web.json_response({"keys": [KEY.published]})

    app = web.Application()
    app.router.add_get("/keys", publish)
    app.router.add_route("*", "/crm", crm.serve)
    app.router.add_route("*", "/other", other.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with token_endpoint() as endpoint:
            with short_folder() as folder:
                (folder / "client.secret").write_text(SECRET)
                (folder / "client.secret").chmod(0o600)
                read = {"effect": "read", "sensitivity": "internal", "outbound": False}
                exchange = {
                    "token_url": endpoint.url,
                    "client_id": CLIENT,
                    "client_secret": {"from": "file:client.secret"},
                    "audience": TARGET,
                }
                issuer = {
                    "url": base,
                    "audience": AUDIENCE,
                    "keys": {"jwks_url": f"{base}/keys"},
                    "agents": {"client_id": {"desk": "desk"}},
                }
                headers = {"Authorization": f"Bearer {OWN}"}
                config = {
                    "version": 1,
                    "servers": {
                        "crm": {"url": f"{base}/crm", "era": "legacy", "headers": headers, "exchange": exchange},
                        "other": {"url": f"{base}/other", "era": "legacy"},
                    },
                    "tools": {"crm.look": read, "other.look": read},
                    "agents": {"desk": {"purpose": "looks", "tools": ["crm.*", "other.*"], "only_mcp": True}},
                    "identity": {"issuers": [issuer]},
                }
                file = folder / "ringfence.yaml"
                file.write_text(json.dumps(config))
                async with GatewayProcess(file, folder / "state").running() as gateway:
                    async with gateway.people() as people:
                        await people.add_operator("ada", "admin")
                    yield Scene(gateway, crm, other, endpoint, base, folder / "state")
    finally:
        await runner.cleanup()


async def test_each_user_reaches_the_server_with_a_token_of_their_own_that_is_masked_on_the_way_back() -> None:
    async with scene() as at:
        ones, twos = at.token("u1"), at.token("u2")
        for token in (ones, twos, ones):
            answer = await at.call(token)
            assert answer.result["content"][0]["text"] == "seen Bearer [masked: configured-secret]"
        first, second = at.endpoint.issued
        assert at.crm.given("tools/call") == [f"Bearer {first}", f"Bearer {second}", f"Bearer {first}"]
        assert at.crm.given("tools/list")[0] == f"Bearer {OWN}"
        assert [form["subject_token"] for form in at.endpoint.asked] == [ones, twos]
        used = [entry["body"]["credential"] for entry in await at.log() if entry["kind"] == "outcome"]
        assert used == [f"exchanged for {TARGET}"] * 3


@pytest.mark.requirement("I9")
async def test_what_a_caller_shows_reaches_the_token_endpoint_and_no_server_and_is_not_written_down() -> None:
    async with scene() as at:
        token = at.token()
        assert (await at.call(token)).is_result
        assert (await at.call(token, "other__look")).is_result
        everything = json.dumps([*at.crm.heard, *at.other.heard])
        assert token not in everything
        assert token.rpartition(".")[0] not in everything
        assert set(at.other.given("initialize", "tools/list", "tools/call")) == {""}
        await at.gateway.stop()
        written = b"".join(path.read_bytes() for path in at.state.rglob("*") if path.is_file()) + at.gateway.errors().encode()
        for secret in (token, at.endpoint.issued[0], SECRET, OWN):
            assert secret.encode() not in written


async def test_a_run_that_no_user_stands_behind_is_refused_at_that_server_and_at_no_other() -> None:
    async with scene() as at:
        async with at.gateway.people() as people:
            _, credential = await people.open_run("desk")
        refused = await at.call(credential)
        assert refused.code == "not_sent"
        assert at.crm.given("tools/call") == []
        assert (await at.call(credential, "other__look")).is_result
        assert "was not called with an access token of an issuer" in at.gateway.errors()


@pytest.mark.requirement("I3")
async def test_a_token_endpoint_that_refuses_stops_that_server_only_and_operators_hear_the_code() -> None:
    async with scene() as at:
        at.endpoint.changes = {"token_type": "N_A"}
        token = at.token()
        assert (await at.call(token)).code == "not_sent"
        assert (await at.call(token, "other__look")).is_result
        assert at.crm.given("tools/call") == []
        assert "gave a token that is no bearer token" in at.gateway.errors()
