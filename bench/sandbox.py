"""What a box costs: `python -m bench.sandbox`. A real gateway, real boxes, a TLS server on loopback from inside and directly.

The added start is the time from the wish to the command's first byte of output, against the same command started plainly. It
holds the run's opening and the adoption of its box, both durable. Connections go through the real proxy and its decision.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import secrets
import shutil
import statistics
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml

from bench.egress import TUNNELLED, serve
from bench.processes import NotStarted, Processes, processes
from ringfence.adapters.box_link.server import call
from ringfence.app.boxes.supervisor import Ended, Wanted, supervise
from ringfence.app.wiring.sandbox import BOX_SOCKET, build_sandbox, results_of

ROOT: Final = Path(__file__).parent.parent / ".bench" / "sandbox"
PROGRAM: Final = Path(sys.executable).with_name("ringfence")
PYTHON: Final = "/usr/bin/python3"
MIB: Final = 1 << 20
CLIENT: Final = """
import json, socket, ssl, statistics, sys, time
port, host, ca, through, new, kept, mib = sys.argv[1:]
port, new, kept, size = int(port), int(new), int(kept), int(mib) << 20
context = ssl.create_default_context(cadata=ca)
piece = bytes(1 << 18)

def connect():
    link = socket.create_connection(("127.0.0.1", 7410 if through == "yes" else port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if through == "yes":
        link.sendall(f"CONNECT {host}:{port} HTTP/1.1\\r\\nHost: {host}:{port}\\r\\n\\r\\n".encode())
        head = b""
        while not head.endswith(b"\\r\\n\\r\\n"):
            head += link.recv(1)
        assert b" 200 " in head, head
    return context.wrap_socket(link, server_hostname=host)

def get(link, count):
    link.sendall(f"GET /{count} HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n".encode())
    buffer, head = bytearray(1 << 18), b""
    while b"\\r\\n\\r\\n" not in head:
        head += link.recv(65536)
    left = count - len(head.partition(b"\\r\\n\\r\\n")[2])
    while left > 0:
        left -= link.recv_into(buffer)

def put(link, count):
    link.sendall(f"PUT /up HTTP/1.1\\r\\nHost: {host}\\r\\nContent-Length: {count}\\r\\n\\r\\n".encode())
    while count > 0:
        link.sendall(piece[:count])
        count -= len(piece)
    assert link.recv(65536).startswith(b"HTTP/1.1 200 ")

def timed(act):
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin

def fresh():
    link = connect()
    get(link, 2)
    link.close()

fresh()
link = connect()
found = {"kept_ms": statistics.median(timed(lambda: get(link, 2)) for _ in range(kept)) * 1000}
found["down_mib_s"] = (size >> 20) / statistics.median(timed(lambda: get(link, size)) for _ in range(3))
found["up_mib_s"] = (size >> 20) / statistics.median(timed(lambda: put(link, size)) for _ in range(3))
found["new_ms"] = statistics.median(timed(fresh) for _ in range(new)) * 1000
print(json.dumps(found))
"""


class Yard:
    """A gateway and runs of its one agent."""

    def __init__(self, started: Processes, port: int) -> None:
        config, self.state = ROOT / "ringfence.yaml", ROOT / "st"
        host = {"host": TUNNELLED, "port": port, "addresses": ["127.0.0.1"], "up_mib": MIB, "down_mib": MIB}
        agent = {"purpose": "Is measured.", "tools": [], "box": {"profile": "code"}, "egress": {"hosts": [host]}}
        config.write_text(yaml.safe_dump({"version": 1, "agents": {"bench": agent}}))
        config.chmod(0o600)
        command = [str(PROGRAM), "up", "--config", str(config), "--state", str(self.state), "--port", "0"]
        self.gateway = started.start("ringfence", command)
        self.gateway.said(r"^(ready)")
        self.sandbox = build_sandbox()

    async def people(self) -> aiohttp.ClientSession:
        connector = aiohttp.UnixConnector(path=str(self.state / "control.sock"), limit=0)
        session = aiohttp.ClientSession("http://localhost", connector=connector)
        async with session.post("/api/v1/operators", json={"name": "bench", "role": "admin"}) as response:
            session.headers["Authorization"] = f"Bearer {(await response.json())['credential']}"
        return session

    async def box(self, people: aiohttp.ClientSession, command: Sequence[str], output: int) -> Ended:
        """One command in a box, to its end."""
        binding = "box:" + urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
        asked = {"agent": "bench", "task": "measure", "binding": binding}
        async with people.post("/api/v1/runs", json=asked) as response:
            opened: dict[str, Any] = await response.json()
        channel = await call(str(self.state / BOX_SOCKET))
        with closing(channel):
            wanted = Wanted(
                command=command,
                credential=opened["credential"],
                binding=binding,
                stdio=(os.open(os.devnull, os.O_RDONLY), output, 2),
            )
            try:
                return await supervise(self.sandbox, channel, wanted, lambda _: None, results_of(self.state))
            finally:
                os.close(wanted.stdio[0])


async def first_byte_ms(begin: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Milliseconds to the first byte of output, and to the end."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    seen, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(ours, seen.set)
    began = time.perf_counter()
    task = asyncio.ensure_future(begin(theirs))
    await seen.wait()
    first = time.perf_counter() - began
    loop.remove_reader(ours)
    await task
    whole = time.perf_counter() - began
    os.close(ours)
    os.close(theirs)
    return first * 1000, whole * 1000


async def plainly(command: Sequence[str], output: int) -> None:
    process = await asyncio.create_subprocess_exec(*command, stdout=output)
    await process.wait()


async def read_whole(begin: Callable[[int], Awaitable[object]]) -> str:
    ours, theirs = os.pipe()
    await begin(theirs)
    os.close(theirs)
    with os.fdopen(ours) as said:
        return said.read()


def pss_mib(root: int) -> float:
    """Of all processes below one: each shared page counted in parts (proc_pid_smaps_rollup(5))."""
    below, parents = {root}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in below} - below
        below |= more
        grown = bool(more)
    total = 0
    for pid in below - {root}:
        try:
            total += int((Path("/proc") / str(pid) / "smaps_rollup").read_text().partition("Pss:")[2].split()[0])
        except (OSError, IndexError):
            continue
    return total / 1024


async def measure(yard: Yard, port: int, pem: str, options: argparse.Namespace) -> dict[str, Any]:
    people = await yard.people()
    async with people:
        starts: list[float] = []
        wholes: list[float] = []
        plain: list[float] = []
        for _ in range(options.starts):
            plain.append((await first_byte_ms(lambda out: plainly(["/bin/echo", "x"], out)))[0])
            first, whole = await first_byte_ms(lambda out: yard.box(people, ["/bin/echo", "x"], out))
            starts.append(first)
            wholes.append(whole)
        script = [PYTHON, "-c", CLIENT, str(port), TUNNELLED, pem]
        sizes = [str(options.new), str(options.kept), str(options.mib)]
        direct = json.loads(await read_whole(lambda out: plainly([*script, "no", *sizes], out)))
        boxed = json.loads(await read_whole(lambda out: yard.box(people, [*script, "yes", *sizes], out)))
        many, idle = await together(yard, people, options.boxes)
    return {
        "added_start_ms_p50": round(statistics.median(starts) - statistics.median(plain), 2),
        "added_whole_ms_p50": round(statistics.median(wholes) - statistics.median(plain), 2),
        "new_conn_added_ms_p50": round(boxed["new_ms"] - direct["new_ms"], 3),
        "kept_conn_added_ms_p50": round(boxed["kept_ms"] - direct["kept_ms"], 3),
        "throughput_ratio": round(min(boxed["down_mib_s"] / direct["down_mib_s"], boxed["up_mib_s"] / direct["up_mib_s"]), 3),
        "direct": {name: round(value, 3) for name, value in direct.items()},
        "boxed": {name: round(value, 3) for name, value in boxed.items()},
        "transfer_mib": options.mib,
        "boxes_at_once": options.boxes,
        "boxes_at_once_s": round(many, 2),
        "idle_box_mib": round(idle, 2),
        "cores": len(os.sched_getaffinity(0)),
    }


async def together(yard: Yard, people: aiohttp.ClientSession, count: int) -> tuple[float, float]:
    """Seconds until so many boxes have all started and ended, and what an idle one holds in MiB."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    before = pss_mib(os.getpid())
    began = time.perf_counter()
    script = ["/bin/sh", "-c", "echo x; exec sleep 6"]
    tasks = [asyncio.ensure_future(yard.box(people, script, theirs)) for _ in range(count)]
    up = 0
    while up < 2 * count:
        await asyncio.sleep(0.02)
        try:
            up += len(os.read(ours, 65536))
        except BlockingIOError:
            if any(task.done() for task in tasks):
                break
    started = time.perf_counter() - began
    idle = (await asyncio.to_thread(pss_mib, os.getpid()) - before) / count
    ended = await asyncio.gather(*tasks)
    assert all(one.code == 0 for one in ended), [one for one in ended if one.code != 0][:3]
    os.close(ours)
    os.close(theirs)
    return started, idle


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.sandbox", description=__doc__)
    parser.add_argument("--starts", type=int, default=50)
    parser.add_argument("--new", type=int, default=60, help="new connections")
    parser.add_argument("--kept", type=int, default=300, help="requests on a kept one")
    parser.add_argument("--mib", type=int, default=1024, help="of the large transfers")
    parser.add_argument("--boxes", type=int, default=50, help="at once")
    options = parser.parse_args()
    shutil.rmtree(ROOT, ignore_errors=True)
    (ROOT / "logs").mkdir(parents=True)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    port, pem = ours.recv()
    try:
        with processes(ROOT / "logs") as started:
            found = asyncio.run(measure(Yard(started, port), port, pem, options))
    except NotStarted as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    finally:
        server.terminate()
    for name, value in found.items():
        print(f"{name:<24} {value}")
    print(f"RESULT {json.dumps(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
