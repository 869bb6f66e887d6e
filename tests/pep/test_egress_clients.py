"""Real clients, as they come, through the way out: what a box's programs will use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import uvloop
from tests.pep.egress_answering import an_answering, with_body
from tests.pep.egress_programs import program, run
from tests.pep.egress_world import HOST, HOSTS_CA, OPEN, SECRET, TOKEN, World, a_gate, a_world

from ringfence.core.model.egress import EgressRule

PYTHON = """
import ssl, sys, urllib.request
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({"https": sys.argv[1]}), urllib.request.HTTPSHandler(context=ssl.create_default_context())
)
print(opener.open(sys.argv[2], data=sys.argv[3].encode() or None).read().decode())
"""
NODE = """
const [proxy, url] = process.argv.slice(1);
const [http, tls] = [require("http"), require("tls")];
const at = new URL(proxy), to = new URL(url);
http.request({ host: at.hostname, port: at.port, method: "CONNECT", path: `${to.hostname}:443` })
  .on("connect", (answer, socket) => {
    const inner = tls.connect({ socket, servername: to.hostname, ALPNProtocols: ["http/1.1"] }, () =>
      inner.write(`GET ${to.pathname} HTTP/1.1\\r\\nHost: ${to.hostname}\\r\\nConnection: close\\r\\n\\r\\n`));
    inner.on("data", (data) => process.stdout.write(data));
  }).end();
"""


def command(client: str, world: World, url: str, body: str = "") -> list[str]:
    proxy = f"http://127.0.0.1:{world.port}"
    match client:
        case "curl":
            return [program("curl"), "-sS", *(["--data", body] if body else []), url]
        case "python":
            return [sys.executable, "-I", "-c", PYTHON, proxy, url, body]
        case _:
            return [program("node"), "-e", NODE, "--", proxy, url]


@pytest.mark.parametrize("client", ["curl", "python", "node"])
async def test_a_client_reaches_a_terminated_host_and_never_sees_the_credential(client: str, tmp_path: Path) -> None:
    def echo(head: bytes, _: bytes) -> list[bytes]:
        return [with_body(head)]

    async with a_world(gate=a_gate()) as world, an_answering(world, echo) as seen:
        said = await run(world, world.authority.pem, tmp_path, *command(client, world, f"https://{HOST}/v1/a"))
        assert "GET /v1/a HTTP/1.1" in said
        assert seen.fields["authorization"] == SECRET
        assert TOKEN not in said
        assert "masked" in said


@pytest.mark.parametrize("client", ["curl", "python", "node"])
async def test_a_client_reaches_a_tunnelled_host(client: str, tmp_path: Path) -> None:
    async with a_world() as world, an_answering(world, with_body(b"through"), ends=True):
        said = await run(world, HOSTS_CA.pem, tmp_path, *command(client, world, f"https://{HOST}/v1/a"))
        assert "through" in said


@pytest.mark.parametrize("client", ["curl", "python"])
async def test_a_client_uploads_to_a_terminated_host(client: str, tmp_path: Path) -> None:
    body = "x" * 100_000
    async with a_world(OPEN) as world, an_answering(world, lambda _, data: [with_body(b"%d" % len(data))]):
        said = await run(world, world.authority.pem, tmp_path, *command(client, world, f"https://{HOST}/up", body))
        assert said.strip() == "100000"


async def test_curl_hears_why_not(tmp_path: Path) -> None:
    async with a_world() as world:
        said = await run(world, "", tmp_path, program("curl"), "-sS", "-v", "https://evil.example.net/")
        assert "X-Ringfence-Entry: entry-1" in said
        assert "403" in said


async def test_curl_offering_http_2_speaks_the_older_one(tmp_path: Path) -> None:
    async with a_world(OPEN) as world, an_answering(world) as seen:
        url = f"https://{HOST}/a"
        assert await run(world, world.authority.pem, tmp_path, program("curl"), "-sS", "--http2", url) == "ok"
        assert b"HTTP/1.1" in seen.heads[0]


async def test_a_redirect_is_the_clients_to_follow_and_judged_again(tmp_path: Path) -> None:
    reply = b"HTTP/1.1 302 Found\r\nLocation: https://evil.example.net/\r\nContent-Length: 0\r\n\r\n"
    async with a_world(OPEN) as world, an_answering(world, reply):
        await run(world, world.authority.pem, tmp_path, program("curl"), "-sS", "-L", f"https://{HOST}/a")
        assert [(opening.host, opening.method) for opening in world.gate.openings] == [
            (HOST, "CONNECT"),
            (HOST, "GET"),
            ("evil.example.net", "CONNECT"),
        ]
        assert world.names.resolved == [HOST]


async def test_plain_http_is_refused_by_its_method(tmp_path: Path) -> None:
    async with a_world() as world:
        proxy = f"http://127.0.0.1:{world.port}"
        said = await run(world, "", tmp_path, program("curl"), "-sS", "-i", "-x", proxy, f"http://{HOST}/")
        assert said.startswith("HTTP/1.1 405 ")


async def test_git_fetches_by_its_own_words(tmp_path: Path) -> None:
    """The smart protocol's first answer, enough for `ls-remote` of an empty repository."""
    advertisement = b"001e# service=git-upload-pack\n0000" + b"0000"
    reply = with_body(advertisement, "Content-Type: application/x-git-upload-pack-advertisement")
    async with a_world(OPEN) as world, an_answering(world, reply) as seen:
        said = await run(world, world.authority.pem, tmp_path, program("git"), "ls-remote", f"https://{HOST}/a/b.git")
        assert said == ""
        assert seen.heads[0].startswith(b"GET /a/b.git/info/refs?service=git-upload-pack HTTP/1.1\r\n")


def test_everything_works_on_the_loop_that_is_used_in_production(tmp_path: Path) -> None:
    async def both() -> None:
        rules = (EgressRule(host="tunnel.example.com"), OPEN)
        async with a_world(*rules, secrets=[SECRET]) as world:
            world.names.addresses["tunnel.example.com"] = world.names.addresses[HOST]
            large = with_body(b"y" * 3_000_000)
            async with an_answering(world, large, host="tunnel.example.com"):
                said = await run(world, HOSTS_CA.pem, tmp_path, program("curl"), "-sS", "https://tunnel.example.com/a")
                assert len(said) == 3_000_000
            async with an_answering(world, with_body(f"a {SECRET} b".encode())):
                said = await run(world, world.authority.pem, tmp_path, program("curl"), "-sS", f"https://{HOST}/a")
                assert TOKEN not in said
            await world.settled()
            assert world.gate.open == 0

    uvloop.run(both())
