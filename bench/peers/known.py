"""How each peer is started in front of the echo server."""

import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import Distribution
from pathlib import Path

from bench.driver import BenchFault, measure
from bench.peers.full_featured import ContextForge
from bench.peers.peer import HERE, Front, Peer
from bench.processes import NotStarted, Processes, free_port
from bench.targets import Absent, Client, Target
from ringfence.adapters.wire.mcp import Era

TRIED = (Era.MODERN, Era.LEGACY)


def _fastmcp(*more: str) -> Callable[[Path, str, int], list[str]]:
    front = str(HERE / "fastmcp" / "front.py")
    return lambda own, url, port: [str(own / "python"), front, url, str(port), *more]


def _mcp_proxy(own: Path, _: str, port: int) -> list[str]:
    behind = [sys.executable, "-m", "bench.upstream", "--stdio"]
    quiet = ["--stateless", "--pass-environment", "--log-level", "WARNING"]
    return [str(own / "mcp-proxy"), *quiet, "--port", str(port), "--", *behind]


def _contextforge(own: Path, _: str, port: int) -> list[str]:
    return [str(own / "mcpgateway"), "mcpgateway.main:app", "--host", "127.0.0.1", "--port", str(port)]


def _at(path: str) -> Callable[[Path, str, int], Awaitable[Front]]:
    async def front(own: Path, upstream: str, port: int) -> Front:
        return Front(path)

    return front


def peers(root: Path) -> tuple[Peer, ...]:
    """All of them; what they keep lies in a directory."""
    forge = ContextForge(root)
    return (
        Peer("FastMCP proxy", "as documented: `create_proxy(URL)`", "fastmcp", "fastmcp", _fastmcp(), _at("/mcp")),
        Peer(
            "FastMCP proxy, connected",
            "one connected client for all",
            "fastmcp",
            "fastmcp",
            _fastmcp("--connected"),
            _at("/mcp"),
        ),
        Peer(
            "mcp-proxy",
            "in front of the echo server over stdio, the only kind of server that it serves over HTTP",
            "mcp_proxy",
            "mcp-proxy",
            _mcp_proxy,
            _at("/mcp/"),
        ),
        Peer(
            "ContextForge",
            "a gateway with accounts, roles, a registry and a database, one worker, its own defaults",
            "contextforge",
            "mcp-contextforge-gateway",
            _contextforge,
            forge.register,
            forge.environment,
        ),
    )


async def start(peer: Peer, started: Processes, upstream: str, most: int) -> Target | Absent:
    """The peer as a target, in the newest era that it serves, or why it is not there."""
    if not (peer.venv / ".ready").exists():
        return Absent(peer.name, "not set up here (`make bench-peers`)")
    port = free_port()
    own = peer.venv / "bin"
    try:
        name = peer.name.replace(" ", "-").replace(",", "")
        running = started.start(name, peer.command(own, upstream, port), peer.environment)
        running.accepts(port)
        front = await peer.front(own, upstream, port)
    except NotStarted as fault:
        return Absent(peer.name, str(fault))
    faults: list[str] = []
    for era in TRIED:
        client = Client(f"127.0.0.1:{port}", front.path, front.tool, era, front.headers)
        try:
            await measure([client], 0.1)
        except BenchFault as fault:
            faults.append(f"{era.value}: {fault}"[:300])
            continue
        return Target(f"{peer.name} {version(peer)}", peer.what, [client] * most, running)
    return Absent(peer.name, "; ".join(faults))


def version(peer: Peer) -> str:
    """Of its distribution, as it is installed."""
    found = next((peer.venv / "lib").glob(f"python3*/site-packages/{peer.distribution.replace('-', '_')}-*.dist-info"))
    return Distribution.at(found).version
