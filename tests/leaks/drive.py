"""One gateway with planted secrets, agents that make its servers give them away, and everything that can be seen of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from mcp_types import LOG_LEVEL_META_KEY
from tests.leaks.leaky_server import FORMS, WAYS
from tests.leaks.plants import Garden, configuration, forms_of, plant
from tests.servers.gateway_process import started_before

from ringfence.adapters.wire.mcp import modern_headers, modern_meta

SERVER = Path(__file__).with_name("leaky_server.py")
PRODUCT = (str(Path(sys.executable).with_name("ringfence")),)
UNSCRUBBED = (sys.executable, "-m", "ringfence.testing.unscrubbed")
PATIENCE_S = 60
_PORT = re.compile(rb"ready.*?127\.0\.0\.1:(\d+)")


@dataclass(slots=True)
class Seen:
    """All bytes, by place."""

    places: dict[str, list[bytes]] = field(default_factory=dict[str, list[bytes]])

    def add(self, place: str, data: bytes) -> None:
        self.places.setdefault(place, []).append(data)

    def found(self, garden: Garden, where: str = "") -> dict[str, list[str]]:
        """The names of planted secrets, each with the places that it was found in."""
        wholes = {place: b"\n".join(parts) for place, parts in self.places.items() if place.startswith(where)}
        found: dict[str, list[str]] = {}
        for one in garden.plants:
            forms = {form.encode() for form in forms_of(one.value)}
            at = [place for place, whole in wholes.items() if any(form in whole for form in forms)]
            if at:
                found[one.name] = at
        return found


@dataclass(slots=True)
class Gateway:
    url: str
    control: str
    pid: int


async def look(directory: Path, garden: Garden, program: tuple[str, ...]) -> Seen:
    """Run one gateway, have every secret given away in every form, and collect what can be seen."""
    seen = Seen()
    state, config, extra = directory / "state", directory / "ringfence.yaml", directory / "extra.json"
    extra.write_text(json.dumps(garden.extra))
    async with _hook(seen) as hook, _web_server(extra) as port, _sts(garden) as sts:
        config.write_text(configuration(garden, SERVER, sys.executable, extra, port, hook, sts), "utf-8")
        async with _gateway(directory, config, state, program, garden) as gateway:
            await _act(gateway, garden, seen)
            _environments(gateway.pid, garden, seen)
            # While it runs, with what is not yet in the main file, and again when it has ended.
            _files(state, seen)
    _files(state, seen)
    for name in ("out", "err"):
        seen.add(f"process log ({name})", (directory / f"{state.name}.{name}").read_bytes())
    return seen


async def _act(gateway: Gateway, garden: Garden, seen: Seen) -> None:
    connector = aiohttp.UnixConnector(path=gateway.control)
    async with aiohttp.ClientSession("http://localhost", connector=connector) as people, aiohttp.ClientSession() as agents:
        opened = {"agent": "leaker", "task": "see what they say", "parent": None}
        async with people.post("/api/v1/operators", json={"name": "ada", "role": "admin"}) as answer:
            assert answer.status < 300, await answer.text()
            operator = {"Authorization": f"Bearer {(await answer.json())['credential']}"}
        async with people.post("/api/v1/runs", json=opened, headers=operator) as answer:
            assert answer.status < 300, await answer.text()
            agent = _Agent(agents, gateway.url, (await answer.json())["credential"], seen)
        for method in ("tools/list", "resources/list", "resources/templates/list"):
            await agent.ask(method, {})
        order = itertools.count()
        for one in garden.plants:
            for form in FORMS:
                number = next(order)
                await agent.leak(one.server, one.name, form, WAYS[number % len(WAYS)], number)
        # What an agent sends itself, to a tool that waits for a person: it would be on the card.
        some = enumerate(garden.plants[:: max(1, len(garden.plants) // 6)])
        notes = [f"with {list(forms_of(one.value))[number % 8]}" for number, one in some]
        calls = [{"name": "pipe__wipe", "arguments": {"note": note}} for note in (*notes, "all of it")]
        await asyncio.gather(*(agent.ask("tools/call", call) for call in calls))
        await _everything_people_see(people, operator, seen)


class _Agent:
    def __init__(self, session: aiohttp.ClientSession, url: str, credential: str, seen: Seen) -> None:
        self._session = session
        self._url = url
        self._credential = credential
        self._seen = seen
        self._ids = itertools.count(1)

    async def leak(self, server: str, name: str, form: str, way: str, number: int) -> None:
        if way == "resource":
            await self.ask("resources/read", {"uri": f"leak://{name}/{form}/{number}"}, server)
            return
        arguments = {"name": name, "form": form, "by": way, "shift": number}
        await self.ask("tools/call", {"name": f"{server}__leak", "arguments": arguments})

    async def ask(self, method: str, params: Mapping[str, Any], server: str = "") -> None:
        number = next(self._ids)
        meta = {**modern_meta(), LOG_LEVEL_META_KEY: "debug", "progressToken": number}
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": meta}}
        headers = {
            "Authorization": f"Bearer {self._credential}",
            "Accept": "application/json, text/event-stream",
            **modern_headers(method, params.get("name") or params.get("uri")),
        }
        url = f"{self._url}/mcp/{server}" if server else f"{self._url}/mcp"
        async with self._session.post(url, json=message, headers=headers) as answer:
            data = await answer.read()
        self._seen.add(f"agent: {method}", data)
        self._seen.add("agent: pieces put together", _put_together(data))


def _put_together(data: bytes) -> bytes:
    """What a client has that joins the texts of all notifications."""
    texts: list[str] = []
    for line in data.splitlines():
        if line.startswith(b"data:"):
            params = json.loads(line[5:]).get("params") or {}
            texts.append(str(params.get("message", "")))
    return "".join(texts).encode()


async def _everything_people_see(people: aiohttp.ClientSession, operator: Mapping[str, str], seen: Seen) -> None:
    async with people.get("/api/v1/openapi.json", headers=operator) as answer:
        assert answer.status == 200, await answer.text()
        paths = [path for path, methods in (await answer.json())["paths"].items() if "get" in methods]
    fetched: list[Any] = []
    for path in [*(path for path in paths if "{" not in path and "watch" not in path), "/", "/api/v1/audit?limit=1000"]:
        fetched.append(await _fetch(people, path, operator, seen))
    names = {"servers": {"pipe", "web"}}
    for answer in fetched:
        for list_name in ("approvals", "entries", "runs"):
            items = answer.get(list_name) if isinstance(answer, dict) else None
            if isinstance(items, list):
                names.setdefault(list_name, set()).update(str(item.get("id", item.get("run", ""))) for item in items)
    names["audit"] = names["explain"] = names.get("entries", set())
    for path in paths:
        kind = path.removeprefix("/api/v1/").split("/")[0]
        if path.count("{") == 1 and "watch" not in path:
            for name in sorted(names.get(kind, ()))[:100]:
                await _fetch(people, re.sub(r"\{\w+\}", name, path), operator, seen)


async def _fetch(people: aiohttp.ClientSession, path: str, operator: Mapping[str, str], seen: Seen) -> Any:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5), people.get(path, headers=operator) as answer:
            data = await answer.read()
            kind = re.sub(r"/(?:e[0-9]+|[rt]_\w+|pipe|web)", "/*", path.removeprefix("/api/v1").split("?")[0]) or "/"
            seen.add(f"people: {kind}", data)
            if answer.status < 300 and answer.content_type == "application/json":
                return json.loads(data)
    return None


def _environments(gateway: int, garden: Garden, seen: Seen) -> None:
    """What the processes of servers were given, less what the configuration gives just them."""
    own = {one.value.encode() for one in garden.plants if one.name in garden.given_to_processes()}
    dsns = {value.encode() for name, value in garden.environment.items() if "P_DSN" in name}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) != gateway:
                continue
            environment = (process / "environ").read_bytes()
            for value in sorted(own | dsns, key=len, reverse=True):
                environment = environment.replace(value, b"")
            seen.add("environments of server processes", environment)


def _files(state: Path, seen: Seen) -> None:
    for path in sorted(state.rglob("*")):
        if path.is_file() and not path.is_socket():
            seen.add(f"state: {path.relative_to(state).parts[0]}", path.read_bytes())


@asynccontextmanager
async def _hook(seen: Seen) -> AsyncGenerator[str]:
    async def take(request: web.Request) -> web.Response:
        seen.add("notifications", await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/{anywhere:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _sts(garden: Garden) -> AsyncGenerator[str]:
    """Gives the planted credential to everybody."""

    async def give(_: web.Request) -> web.Response:
        until = datetime.now(UTC) + timedelta(seconds=900)
        names = {
            "AWS_ACCESS_KEY_ID": "AccessKeyId",
            "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
            "AWS_SESSION_TOKEN": "SessionToken",
        }
        given = "".join(f"<{tag}>{garden.minted[name]}</{tag}>" for name, tag in names.items())
        credentials = f"<Credentials>{given}<Expiration>{until.isoformat()}</Expiration></Credentials>"
        text = f"<AssumeRoleResponse><AssumeRoleResult>{credentials}</AssumeRoleResult></AssumeRoleResponse>"
        return web.Response(text=text, content_type="text/xml")

    app = web.Application()
    app.router.add_post("/", give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _web_server(extra: Path) -> AsyncGenerator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(SERVER), "http", str(extra), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _gateway(
    directory: Path, config: Path, state: Path, program: tuple[str, ...], garden: Garden
) -> AsyncGenerator[Gateway]:
    out, err = directory / f"{state.name}.out", directory / f"{state.name}.err"
    started_before(state)
    command = [*program, "up", "--config", str(config), "--state", str(state), "--port", "0", "--unsafe-same-user"]
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=stdout, stderr=stderr, env={**os.environ, **garden.environment}
        )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (ready := _PORT.search(out.read_bytes())) is None:
                assert process.returncode is None, err.read_text("utf-8", "replace")[-4000:]
                await asyncio.sleep(0.02)
        yield Gateway(f"http://127.0.0.1:{ready[1].decode()}", str(state / "control.sock"), process.pid)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def both(directory: Path, *, each: int) -> tuple[Garden, Seen, Seen]:
    """The product's gateway and the build that masks nothing, with the same secrets."""
    for name in ("secrets", "scrubbed", "unscrubbed"):
        (directory / name).mkdir()
    garden = plant(directory / "secrets", each=each)
    scrubbed = await look(directory / "scrubbed", garden, PRODUCT)
    unscrubbed = await look(directory / "unscrubbed", garden, UNSCRUBBED)
    return garden, scrubbed, unscrubbed
