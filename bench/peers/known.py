"""How each peer is started in front of the echo server. None of them decides, records or holds back anything."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from bench.driver import BenchFault, measure
from bench.processes import NotStarted, Processes, free_port
from bench.targets import Absent, Client, Target
from bench.upstream import READ
from ringfence.adapters.wire.mcp import Era

HERE = Path(__file__).parent
TRIED = (Era.MODERN, Era.LEGACY)


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer in one way of using it."""

    name: str
    what: str
    environment: str
    """Directory here, with the pinned requirements."""
    distribution: str
    command: Callable[[Path, str, int], list[str]]
    """From its own `bin`, the echo server's URL and a port."""
    path: str = "/mcp"

    @property
    def home(self) -> Path:
        return HERE / self.environment / ".venv"


def _fastmcp(*more: str) -> Callable[[Path, str, int], list[str]]:
    front = str(HERE / "fastmcp" / "front.py")
    return lambda own, url, port: [str(own / "python"), front, url, str(port), *more]


def _mcp_proxy(own: Path, _: str, port: int) -> list[str]:
    behind = [sys.executable, "-m", "bench.upstream", "--stdio"]
    return [
        str(own / "mcp-proxy"),
        "--stateless",
        "--pass-environment",
        "--log-level",
        "WARNING",
        "--port",
        str(port),
        "--",
        *behind,
    ]


PEERS = (
    Peer("FastMCP proxy", "as documented: `create_proxy(URL)`", "fastmcp", "fastmcp", _fastmcp()),
    Peer("FastMCP proxy, connected", "one connected client for all", "fastmcp", "fastmcp", _fastmcp("--connected")),
    Peer(
        "mcp-proxy",
        "in front of the echo server over stdio, the only kind that it serves",
        "mcp_proxy",
        "mcp-proxy",
        _mcp_proxy,
        "/mcp/",
    ),
)


async def start(peer: Peer, started: Processes, upstream: str, most: int) -> Target | Absent:
    """The peer as a target, in the newest era that it serves, or why it is not there."""
    if not (peer.home / ".ready").exists():
        return Absent(peer.name, "not set up here (`make bench-peers`)")
    port = free_port()
    try:
        running = started.start(peer.name.replace(" ", "-").replace(",", ""), peer.command(peer.home / "bin", upstream, port))
        running.accepts(port)
    except NotStarted as fault:
        return Absent(peer.name, str(fault))
    faults: list[str] = []
    for era in TRIED:
        client = Client(f"127.0.0.1:{port}", peer.path, READ, era)
        try:
            await measure([client], 0.1)
        except BenchFault as fault:
            faults.append(f"{era.value}: {fault}"[:300])
            continue
        return Target(f"{peer.name} {version(peer)}", peer.what, [client] * most, running)
    return Absent(peer.name, "; ".join(faults))


def version(peer: Peer) -> str:
    """Of its distribution, as it is installed."""
    found = next((peer.home / "lib").glob(f"python3*/site-packages/{peer.distribution.replace('-', '_')}-*.dist-info"))
    return Distribution.at(found).version
