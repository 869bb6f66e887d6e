"""`python -m bench`: exit status 0 when everything could be measured and every answer was right; never because of a speed."""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import uvloop

from bench import gateway, scanning
from bench.driver import BenchFault
from bench.figures import LEVELS, figures, ratios, result
from bench.flame import draw
from bench.gateway import Measured
from bench.measurement import Measurement, Row
from bench.peers.known import peers as all_peers
from bench.peers.known import start as start_peer
from bench.processes import NotStarted, Processes, Running, processes
from bench.report import for_terminal, write_docs
from bench.requests import FIRST
from bench.rounds import Plan, play
from bench.targets import Absent, Client, Target
from bench.upstream import HOST, READ
from ringfence.adapters.wire.mcp import Era

ROOT = Path(".bench")
DOCS = Path(__file__).parents[1] / "docs"
NAMED = ("ringfence", "mcp", "uvicorn", "uvloop", "aiohttp", "apsw")


@dataclass(frozen=True, slots=True)
class Options:
    plan: Plan
    peers: bool
    write_docs: bool
    flame: bool


def parse() -> Options:
    parser = argparse.ArgumentParser(prog="bench", description="What Ringfence costs, against a direct connection.")
    parser.add_argument("--quick", action="store_true", help="two short rounds, for a first look")
    parser.add_argument("--rounds", type=int, help="default: 7")
    parser.add_argument("--seconds", type=float, help="of each window; default: 2")
    parser.add_argument("--no-peers", action="store_true", help="leave the peers out")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmark.md")
    parser.add_argument(
        "--flame", action="store_true", help="also draw docs/benchmark-flame.svg (needs py-spy: make bench-peers)"
    )
    given = parser.parse_args()
    rounds, seconds, warm_s = (2, 0.5, 0.1) if given.quick else (7, 2.0, 0.3)
    plan = Plan(given.rounds or rounds, given.seconds or seconds, warm_s)
    return Options(plan, not given.no_peers, given.write_docs, given.flame)


def tell(text: str) -> None:
    print(text, flush=True)


@dataclass(slots=True)
class Stage:
    """Everything that is measured, up and answering."""

    upstream: Running
    gateway: Running
    direct: Target
    legacy: Target
    """Direct as well, in the era of the peers that serve nothing newer."""
    own: Measured
    peers: list[Target] = field(default_factory=list[Target])
    absent: list[Absent] = field(default_factory=list[Absent])

    @property
    def targets(self) -> list[Target]:
        needs_legacy = any(peer.era is Era.LEGACY for peer in self.peers)
        return [self.direct, *self.own.all, *([self.legacy] if needs_legacy else []), *self.peers]

    def beside(self, target: Target) -> Target:
        """The direct connection that a target is compared with."""
        return self.direct if target.era is Era.MODERN else self.legacy


async def set_up(options: Options, started: Processes) -> Stage:
    """Raises: BenchFault, NotStarted."""
    most = max(LEVELS)
    upstream = started.start("upstream", [sys.executable, "-m", "bench.upstream", "--port", "0"])
    port = upstream.said(r"^listening (\d+)")
    host = f"{HOST}:{port}"
    process, agents = gateway.start(started, ROOT, f"http://{host}/mcp")
    own = await gateway.targets(process, agents, ROOT / "state/control.sock", most)
    stage = Stage(
        upstream,
        process,
        Target(
            "direct", "the echo server itself; the CPU is its own", [Client(host, "/mcp", READ, Era.MODERN)] * most, upstream
        ),
        Target(
            "direct, legacy era",
            "the same in MCP 2025-11-25, for peers that serve nothing newer",
            [Client(host, "/mcp", READ, Era.LEGACY, opens_session=False)] * most,
            upstream,
        ),
        own,
    )
    for peer in all_peers(ROOT) if options.peers else ():
        found = await start_peer(peer, started, f"http://{host}/mcp", most)
        if isinstance(found, Absent):
            stage.absent.append(found)
            tell(f"{found.name}: not measured: {found.why}")
        else:
            stage.peers.append(found)
            tell(f"{found.name}: answers in the {found.era.value} era")
    return stage


async def bench(options: Options, started: Processes) -> Measurement:
    """Everything, once. Raises: BenchFault, NotStarted."""
    load = os.getloadavg()[0]
    scan = scanning.figures()
    stage = await set_up(options, started)
    samples, failed = await play(stage.targets, options.plan, tell, may_fail=[peer.name for peer in stage.peers])
    stage.absent += [Absent(name, why) for name, why in failed.items()]
    stage.peers = [peer for peer in stage.peers if peer.name not in failed]
    rss = stage.gateway.rss_mib()
    shares = await draw(stage.gateway, stage.own.read, DOCS / "benchmark-flame.svg", tell) if options.flame else []
    rows: list[Row] = []
    for target in stage.targets:
        own, direct = samples[target.name], samples[stage.beside(target).name]
        rows.append(Row(target.name, target.what, target.era.value, {level: figures(own, direct, level) for level in LEVELS}))
    by_name = {row.name: row for row in rows}
    found = result(
        by_name[stage.own.read.name].by_level,
        by_name[stage.own.write.name].by_level,
        cores=len(os.sched_getaffinity(0)),
        checks_on=gateway.checks_on(),
        rss_mib=rss,
    )
    peers = {peer.name: ratios(by_name[peer.name].by_level) for peer in stage.peers}
    return Measurement(
        rows=rows,
        absent=stage.absent,
        result={
            **found,
            **scan,
            "plain_read": ratios(by_name[stage.own.plain.name].by_level),
            "read_after_10_mb": ratios(by_name[stage.own.read_after.name].by_level),
            "write": ratios(by_name[stage.own.write.name].by_level),
            "write_after_10_mb": ratios(by_name[stage.own.write_after.name].by_level),
            "era": stage.own.read.era.value,
            "peers": peers,
            "absent": [one.name for one in stage.absent],
        },
        versions={"Python": platform.python_version(), **{name: version(name) for name in NAMED}},
        date=datetime.now(UTC).date().isoformat(),
        machine=f"{platform.system()} {platform.release()}, {found['cores']} cores, load {load:.1f} before it began",
        rounds=options.plan.rounds,
        seconds=options.plan.seconds,
        request_bytes=len(stage.direct.clients[0].template(None).numbered(FIRST)),
        shares=shares,
    )


def main() -> int:
    options = parse()
    shutil.rmtree(ROOT, ignore_errors=True)
    (ROOT / "logs").mkdir(parents=True)
    try:
        with processes(ROOT / "logs") as started, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(bench(options, started))
    except (BenchFault, NotStarted) as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    tell("")
    tell(for_terminal(found))
    if options.write_docs:
        write_docs(found, DOCS / "benchmark.md")
    tell(f"RESULT {json.dumps(found.result)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
