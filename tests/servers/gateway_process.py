"""A gateway as a process of its own, with the people's and the agents' side of it as plain HTTP clients."""

import asyncio
import atexit
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import aiohttp
from tests.servers import preloaded_start
from tests.servers.preloaded_start import ORDINARY, PreloadedProcess

from ringfence.adapters.wire.mcp import modern_headers, modern_meta
from ringfence.app.wiring.automata import FOLDER, keep_automata

SOCKET = "control.sock"
PATIENCE_S = 60
"""A test that waits longer has hung."""
_PORT = re.compile(r"127\.0\.0\.1:(\d+)")


@cache
def _automata() -> Path:
    """What a start keeps for the next one, made once: a third of the work of a start, and tests start hundreds of gateways."""
    folder = Path(tempfile.mkdtemp(prefix="automata-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    keep_automata(folder)
    return folder / FOLDER


def started_before(state: Path) -> None:
    """Give a state directory, made if need be, what an earlier start would have kept in it.

    Not in another user's folder: the gateway runs as that user then, and believes nobody else's.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    if state.parent.stat().st_uid != os.geteuid():
        return
    state.mkdir(mode=0o711, exist_ok=True)
    if not (state / FOLDER).exists():
        shutil.copytree(_automata(), state / FOLDER)


class GatewayProcess:
    """`ringfence up` on a configuration and a state directory; `program` may be another build of it."""

    def __init__(
        self, config: Path, state: Path, program: tuple[str, ...] = ORDINARY, options: tuple[str, ...] = ("--unsafe-same-user",)
    ) -> None:
        self._command = [*program, "up", "--config", str(config), "--state", str(state), "--port", "0", *options]
        self._errors = state.with_name(f"{state.name}.errors")
        self._state = state
        self._process: Process | PreloadedProcess | None = None
        self._drain: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """Return when it says that it is ready. Raises AssertionError with what it said where it ends instead."""
        started_before(self._state)
        with self._errors.open("ab") as errors:
            self._process = await self._begun(errors)
        try:
            line = await self._ready(self._process)
        except BaseException:
            # Nobody would end it.
            await self.kill()
            raise
        found = _PORT.search(line)
        assert found is not None, line
        self.url = f"{'https' if 'agents https:' in line else 'http'}://127.0.0.1:{found[1]}"
        assert self._process.stdout is not None
        self._drain = asyncio.create_task(self._read_on(self._process.stdout))

    async def _begun(self, errors: IO[bytes]) -> Process | PreloadedProcess:
        if forked := await preloaded_start.start(self._command, errors):
            return forked
        return await asyncio.create_subprocess_exec(*self._command, stdout=PIPE, stderr=errors)

    async def _ready(self, process: Process | PreloadedProcess) -> str:
        """The line that says so."""
        said: list[str] = []
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while line := (await process.stdout.readline()).decode():
                said.append(line)
                if line.startswith("ready"):
                    return line
        raise AssertionError(f"the gateway did not start: {''.join(said)}{self.errors()}")

    async def _read_on(self, output: asyncio.StreamReader) -> None:
        while await output.read(65536):
            pass

    def errors(self) -> str:
        """The end of what it wrote to stderr."""
        return self._errors.read_text("utf-8", "replace")[-4000:] if self._errors.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def memory_mib(self, field: str = "VmRSS") -> float:
        """Of the process: what it has now, or with `VmHWM` the most that it ever had."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        return int(status.partition(f"{field}:")[2].split()[0]) / 1024

    async def ended(self) -> int:
        """Wait for its end; the return code (negative: the signal)."""
        assert self._process is not None
        async with asyncio.timeout(PATIENCE_S):
            code = await self._process.wait()
            if self._drain is not None:
                await self._drain
        return code

    async def kill(self) -> None:
        """SIGKILL, now."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """SIGTERM, and wait."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["GatewayProcess"]:
        """Started for the length of the block, then killed: every test here has to bear that anyway."""
        await self.start()
        try:
            yield self
        finally:
            await self.kill()

    @asynccontextmanager
    async def people(self, credential: str | None = None) -> AsyncGenerator["People"]:
        """One operator on the control socket; without a credential, whoever the socket's peer is."""
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        connector = aiohttp.UnixConnector(path=str(self._state / SOCKET), limit=0)
        async with aiohttp.ClientSession("http://localhost", connector=connector, headers=headers) as session:
            yield People(session)

    @asynccontextmanager
    async def clients(self) -> AsyncGenerator["Clients"]:
        """Agents on the data plane, all over one pool of connections without a limit."""
        async with aiohttp.ClientSession(self.url, connector=aiohttp.TCPConnector(limit=0)) as session:
            yield Clients(session)


class People:
    """The control API as one operator."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and body. Raises aiohttp.ClientError where no answer came."""
        async with self._session.request(method, f"/api/v1{path}", json=body) as response:
            return response.status, json.loads(await response.read())

    async def done(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The body of an answer that has to be a success."""
        status, answer = await self.ask(method, path, body)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer

    async def add_operator(self, name: str, role: str) -> str:
        """The new operator's credential."""
        return (await self.done("POST", "/operators", {"name": name, "role": role}))["credential"]

    async def open_run(self, agent: str, parent: str | None = None) -> tuple[str, str]:
        """Run and credential."""
        opened = await self.done("POST", "/runs", {"agent": agent, "task": "what the test does", "parent": parent})
        return opened["run"], opened["credential"]

    async def pending(self) -> list[dict[str, Any]]:
        return (await self.done("GET", "/approvals"))["approvals"]

    async def approval(self, ticket: str) -> dict[str, Any] | None:
        status, body = await self.ask("GET", f"/approvals/{ticket}")
        return None if status == 404 else body

    async def waiting(self, ticket_not: frozenset[str] = frozenset()) -> dict[str, Any]:
        """A ticket that waits for a person, once there is one besides those given."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for ticket in await self.pending():
                    if ticket["id"] not in ticket_not:
                        return ticket
                await asyncio.sleep(0.01)

    async def decide(self, ticket: Mapping[str, Any], decision: str) -> tuple[int, dict[str, Any]]:
        body = {"decision": decision, "digest": ticket["digest"], "reason": "as the test says"}
        return await self.ask("POST", f"/approvals/{ticket['id']}/decision", body)

    async def log(self) -> list[dict[str, Any]]:
        """Every entry, oldest first."""
        entries: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = await self.done("GET", f"/audit?order=oldest&limit=1000{cursor}")
            entries += page["entries"]
            if page["next"] is None:
                return entries
            cursor = f"&cursor={page['next']}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent's client got for one `tools/call`."""

    status: int
    body: dict[str, Any]

    @property
    def result(self) -> dict[str, Any]:
        return self.body.get("result") or {}

    @property
    def code(self) -> str | None:
        """The gateway's own word where it did not simply hand a result on: `killed`, `approval_pending`, ..."""
        if "error" in self.body:
            data = self.body["error"].get("data") or {}
            return str((data.get("ringfence/decision") or {}).get("code", self.body["error"]["message"]))
        if self.result.get("resultType") == "input_required":
            return "input_required"
        meta = self.result.get("_meta") or {}
        if "ringfence/approval" in meta:
            return "approval_pending"
        return (meta.get("ringfence/decision") or {}).get("code")

    @property
    def is_result(self) -> bool:
        """The upstream's own result."""
        return "result" in self.body and self.code is None

    @property
    def ticket(self) -> str | None:
        meta = self.result.get("_meta") or {}
        return (meta.get("ringfence/approval") or {}).get("approval_id")


class Clients:
    """MCP clients of the modern era (2026-07-28): each call is one POST."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._ids = itertools.count(1)

    async def call(
        self, credential: str, tool: str, arguments: Mapping[str, Any], meta: Mapping[str, Any] | None = None
    ) -> Answer:
        """One `tools/call` on `/mcp`. Raises aiohttp.ClientError where no answer came."""
        params = {"name": tool, "arguments": dict(arguments), "_meta": {**modern_meta(), **(meta or {})}}
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": "tools/call", "params": params}
        headers = {
            "Authorization": f"Bearer {credential}",
            "Accept": "application/json, text/event-stream",
            **modern_headers("tools/call", tool),
        }
        async with self._session.post("/mcp", json=message, headers=headers) as response:
            data = await response.read()
            if response.content_type == "text/event-stream":
                return Answer(response.status, _last_message(data))
            assert data[:1] == b"{", f"not an answer: {response.status} {response.headers} {data[:300]!r}"
            return Answer(response.status, json.loads(data))


def _last_message(stream: bytes) -> dict[str, Any]:
    """The answer in an event stream: the last event; comments and notifications come before it."""
    data = [line[5:] for line in stream.decode().splitlines() if line.startswith("data:")]
    if not data:
        raise aiohttp.ClientPayloadError("the stream ended without an answer")
    message: dict[str, Any] = json.loads(data[-1])
    if "result" not in message and "error" not in message:
        raise aiohttp.ClientPayloadError("the stream ended before the answer")
    return message
