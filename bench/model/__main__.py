"""Exit status 0 when everything could be measured and every answer was right; never because of a speed."""

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.driver import BenchFault
from bench.model import figures
from bench.model.gateway import Gateway, open_runs, start
from bench.model.killing import kill
from bench.model.measures import first_byte, memory, paced, rates
from bench.model.report import write_docs
from bench.model.streams import Place
from bench.processes import NotStarted, Processes, processes

ROOT = Path(".bench/model")
DOCS = Path(__file__).parents[2] / "docs"
STREAMS = 64
CALLS = (("c1", 4_000), ("c1_256kb", 256_000))
"""Sizes of requests for which the first byte is measured: the goal is that of the first."""
PACED_MS = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything."""

    times: int
    rounds: int
    seconds: float
    megabytes: int
    killed: int


QUICK, FULL = Plan(200, 2, 1.0, 200, 500), Plan(600, 5, 3.0, 200, 500)


def tell(text: str) -> None:
    print(text, flush=True)


def fsync_ms(folder: Path, times: int = 100) -> float:
    """What the disk takes for one small durable write: a request leaves only after one."""
    took: list[float] = []
    descriptor = os.open(folder / "fsync", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for _ in range(times):
            os.write(descriptor, bytes(4096))
            began = time.perf_counter()
            os.fdatasync(descriptor)
            took.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
    return round(statistics.median(took) * 1000, 3)


def bench(plan: Plan, only: str, started: Processes) -> dict[str, Any]:
    """Everything, once. Raises: BenchFault, NotStarted."""
    load = os.getloadavg()[0]
    server = started.start("model", [sys.executable, "-m", "bench.model.server", "--port", "0"])
    direct = Place("127.0.0.1", int(server.said(r"^listening (\d+)")), "", "sk-of-the-bench-0001")
    gateway = asyncio.run(start(started, ROOT, f"http://{direct.host}:{direct.port}"))
    runs = asyncio.run(open_runs(gateway, STREAMS + 1))
    places = [gateway.place(credential) for _, credential in runs]
    result: dict[str, Any] = {
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(load, 2),
        "fsync_ms_p50": fsync_ms(ROOT),
    }
    for name, work in _parts(plan, direct, places, runs[-1][0], gateway).items():
        if only in ("", name):
            found = work()
            result |= found
            tell(f"{name}: " + ", ".join(f"{key} {value}" for key, value in found.items()))
    return result


def _parts(
    plan: Plan, direct: Place, places: list[Place], last: str, gateway: Gateway
) -> dict[str, Callable[[], dict[str, float]]]:
    def alone() -> dict[str, float]:
        return {"cpu_us_per_event_paced": round(paced(places[:STREAMS], gateway.process, plan.seconds, PACED_MS).cpu_us, 2)}

    def first() -> dict[str, float]:
        found: dict[str, float] = {}
        for name, prompt in CALLS:
            used = gateway.process.cpu_s()
            found |= first_byte(direct, places[0], plan.times, prompt).figures(name)
            found[f"cpu_ms_per_request_{name}"] = round((gateway.process.cpu_s() - used) * 1000 / (plan.times + 10), 2)
        return found

    return {
        "first": first,
        "rates": lambda: figures.rates(*rates(direct, places[:STREAMS], gateway.process, plan.rounds, plan.seconds)),
        "paced": alone,
        "memory": lambda: memory(places[0], gateway.process, plan.megabytes).figures(),
        "kill": lambda: kill(places[-1], last, gateway, plan.killed).figures(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.model", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a first look")
    parser.add_argument("--only", default="", help="first, rates, paced, memory or kill")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmark.md")
    given = parser.parse_args()
    shutil.rmtree(ROOT, ignore_errors=True)
    (ROOT / "logs").mkdir(parents=True)
    try:
        with processes(ROOT / "logs") as started:
            found = bench(QUICK if given.quick else FULL, given.only, started)
    except (BenchFault, NotStarted) as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    tell("")
    for line in figures.told(found):
        tell(line)
    found |= {"date": datetime.now(UTC).date().isoformat(), "machine": f"{platform.system()} {platform.release()}"}
    if given.write_docs:
        write_docs(found, DOCS / "benchmark.md")
    tell(f"RESULT {json.dumps(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
