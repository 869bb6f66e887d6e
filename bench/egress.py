"""What the way out of a box costs: `python -m bench.egress`, one loopback server reached directly, by tunnel and terminated.

Three processes (client, proxy, server), TLS in every row, the proxy on uvloop as in production. The gate answers at once: what
the engine's decision costs is not in these figures. Ratios mean more than figures: three processes share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Final, cast

import uvloop

from ringfence.adapters.pep.egress.authority import Authority
from ringfence.adapters.pep.egress.proxy import Proxy
from ringfence.core.egress.matching import path_rule_for
from ringfence.core.egress.opening import CONNECT, Admitted, NotAdmitted, Opening, Refusal
from ringfence.core.model.egress import EgressMode, EgressRule, PathRule
from ringfence.core.model.run import Posture
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.identity.identify import Presented

TUNNELLED: Final = "tunnel.example.com"
TERMINATED: Final = "terminated.example.com"
SECRET: Final = "Bearer bench-0123456789abcdef0123456789abcdef"
_PATHS: Final = (PathRule(methods=frozenset({"GET", "PUT"}), path="/*"),)
RULES: Final = {
    TUNNELLED: EgressRule(host=TUNNELLED),
    TERMINATED: EgressRule(
        host=TERMINATED, mode=EgressMode.TERMINATE, paths=_PATHS, header="Authorization", credential="env:BENCH"
    ),
}
_PIECE: Final = bytes(1 << 18)


@dataclass(frozen=True, slots=True)
class Row:
    """One way to the server."""

    way: str
    new_ms: float
    """A new TLS connection with one small GET. Median."""
    kept_ms: float
    """One more GET on it. Median."""
    down_mib_s: float
    up_mib_s: float


class OpenGate:
    """Admits what a rule has, at once."""

    async def admit(self, presented: Presented, opening: Opening) -> Admitted | NotAdmitted:
        rule = RULES.get(opening.host)
        if rule is None:
            return NotAdmitted("host")
        path = None if opening.method == CONNECT else path_rule_for(rule, opening.method, opening.path)
        return Admitted(rule=rule, path=path, entry="0", until=0.0)

    def lives(self, admitted: Admitted) -> bool:
        return True

    def moved(self, admitted: Admitted, up: int, down: int) -> bool:
        return True

    async def secret(self, admitted: Admitted) -> str | None:
        return SECRET

    async def ended(self, admitted: Admitted) -> None:
        return None

    async def refused(self, presented: Presented, opening: Opening, refusal: Refusal) -> str:
        return ""


class Names:
    """Every name is a public address, and every address is the server on loopback."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str) -> Sequence[str]:
        return ["93.184.216.34"]

    async def dial(self, address: str, port: int) -> socket.socket:
        dialled = socket.socket()
        dialled.setblocking(False)
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(dialled, ("127.0.0.1", self._port))
        return dialled


# --- the server


def serve(told: Connection) -> None:
    """Answers GET /N with N bytes and PUT with nothing."""
    authority = Authority("bench", datetime.now(UTC))
    context = authority.context(TUNNELLED)
    other = authority.context(TERMINATED)

    def pick(_: ssl.SSLObject | ssl.SSLSocket, name: str | None, context_: ssl.SSLContext) -> None:
        if name == TERMINATED:
            _.context = other

    context.sni_callback = pick
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    told.send((listening.getsockname()[1], authority.pem))
    while True:
        taken, _ = listening.accept()
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_answer, args=(taken, context), daemon=True).start()


def _answer(taken: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError), context.wrap_socket(taken, server_side=True) as link:
        buffer = bytearray(1 << 18)
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                piece = link.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, data = data.partition(b"\r\n\r\n")
            if head.startswith(b"PUT"):
                left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) - len(data)
                data = b""
                while left > 0:
                    left -= link.recv_into(buffer)
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                continue
            left = int(head.split(b" ")[1][1:])
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
            while left > 0:
                link.sendall(_PIECE[:left])
                left -= len(_PIECE)


# --- the proxy


def proxy(told: Connection, port: int, pem: str) -> None:
    async def run() -> None:
        redactor, names = Redactor(), Names(port)
        authority = Authority("bench", datetime.now(UTC))
        trusted = ssl.create_default_context(cadata=pem)
        trusted.set_alpn_protocols(["http/1.1"])
        way = Proxy(
            Presented("", Posture.BOXED),
            OpenGate(),
            resolver=names,
            dialler=names,
            authority=authority,
            redactor=redactor,
            trusted=trusted,
        )

        class Listening(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                way.serve(cast("asyncio.Transport", transport))

        server = await asyncio.get_running_loop().create_server(Listening, "127.0.0.1", 0)
        told.send((server.sockets[0].getsockname()[1], authority.pem))
        await server.serve_forever()

    uvloop.run(run())


# --- the client


class Client:
    """One way to the server."""

    def __init__(self, port: int, host: str, pem: str, *, through: bool) -> None:
        self._port, self._host, self._through = port, host, through
        self._context = ssl.create_default_context(cadata=pem)

    def connect(self) -> ssl.SSLSocket:
        link = socket.create_connection(("127.0.0.1", self._port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._through:
            link.sendall(f"CONNECT {self._host}:443 HTTP/1.1\r\nHost: {self._host}:443\r\n\r\n".encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += link.recv(1)
            assert b" 200 " in head, head
        return self._context.wrap_socket(link, server_hostname=self._host)

    def get(self, link: ssl.SSLSocket, count: int) -> None:
        """Either with a length, or in chunks."""
        link.sendall(f"GET /{count} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        buffer = bytearray(1 << 18)
        head = b""
        while b"\r\n\r\n" not in head:
            head += link.recv(65536)
        head, _, rest = head.partition(b"\r\n\r\n")
        if b"chunked" in head.lower():
            tail = rest
            while not tail.endswith(b"\r\n0\r\n\r\n") and tail != b"0\r\n\r\n":
                size = link.recv_into(buffer)
                tail = (tail + bytes(buffer[max(0, size - 16) : size]))[-16:]
            return
        left = count - len(rest)
        while left > 0:
            left -= link.recv_into(buffer)

    def put(self, link: ssl.SSLSocket, count: int) -> None:
        link.sendall(f"PUT /up HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {count}\r\n\r\n".encode())
        while count > 0:
            link.sendall(_PIECE[:count])
            count -= len(_PIECE)
        assert link.recv(65536).startswith(b"HTTP/1.1 200 ")


def measured(way: str, client: Client, *, new: int, kept: int, large: int, rounds: int) -> Row:
    def fresh() -> None:
        with closing(client.connect()) as link:
            client.get(link, 2)

    with closing(client.connect()) as link:
        kept_ms = _median_ms(lambda: client.get(link, 2), kept)
        down = min(_seconds(lambda: client.get(link, large)) for _ in range(rounds))
        up = min(_seconds(lambda: client.put(link, large)) for _ in range(rounds))
    return Row(way, _median_ms(fresh, new), kept_ms, large / down / (1 << 20), large / up / (1 << 20))


def _median_ms(act: Callable[[], None], times: int) -> float:
    act()
    return statistics.median(_seconds(act) for _ in range(times)) * 1000


def _seconds(act: Callable[[], None]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="of the large transfers")
    parser.add_argument("--new", type=int, default=100, help="new connections")
    parser.add_argument("--kept", type=int, default=500, help="requests on a kept one")
    parser.add_argument("--rounds", type=int, default=3, help="of the large transfers; the best counts")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    args = parser.parse_args()
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    port, pem = ours.recv()
    between = context.Process(target=proxy, args=(theirs, port, pem), daemon=True)
    between.start()
    way_out, inside = ours.recv()
    ways = {
        "direct": Client(port, TUNNELLED, pem, through=False),
        "tunnel": Client(way_out, TUNNELLED, pem, through=True),
        "terminated": Client(way_out, TERMINATED, inside, through=True),
    }
    rows = [
        measured(name, way, new=args.new, kept=args.kept, large=args.mib << 20, rounds=args.rounds)
        for name, way in ways.items()
    ]
    between.terminate()
    server.terminate()
    if args.json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    print("way          new ms   kept ms   down MiB/s   up MiB/s   of direct")
    for row in rows:
        shares = f"{row.down_mib_s / rows[0].down_mib_s:.2f} / {row.up_mib_s / rows[0].up_mib_s:.2f}"
        print(f"{row.way:<11} {row.new_ms:7.2f}  {row.kept_ms:8.3f}  {row.down_mib_s:11.0f}  {row.up_mib_s:9.0f}   {shares}")


if __name__ == "__main__":
    main()
