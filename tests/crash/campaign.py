"""The proof by killed processes: `python -m tests.crash.campaign`. Ends with one line `RESULT {...}`.

Every point of every kind of work is reached once in a gateway process of its own, which dies there of SIGKILL; then an ordinary
gateway starts on the same state. Exit code 1 where anything was executed without an entry or twice, where a ticket, a vote, a
kill or a label was lost, where anything else did not hold, or where a point was not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.crash.cases import Case, every_case
from tests.crash.drive import Driver, Verdict
from tests.crash.shop import Shop, open_shop

AT_ONCE = 3
"""Most of a case is waiting for a process to start; so many keep two cores busy."""
CASE_S = 120.0
"""A case that takes longer has hung."""


async def run_all(cases: Sequence[Case], directory: Path, at_once: int = AT_ONCE) -> list[Verdict]:
    """Drive every case; the verdicts in the order of the cases. Directories of cases with findings are kept."""
    slots = asyncio.Semaphore(at_once)
    began = time.monotonic()
    done = 0

    async def one(number: int, case: Case, shop: Shop) -> Verdict:
        nonlocal done
        async with slots:
            place = directory / f"{number:04}"
            verdict = await judged(Driver(case, number, shop, place))
        done += 1
        faults = verdict.findings.all() + ([] if verdict.reached else ["the point was not reached"])
        print(f"{done}/{len(cases)} {time.monotonic() - began:.0f} s {'FAULT' if faults else 'ok'} {case}", flush=True)
        for fault in faults:
            print(f"    {fault}", flush=True)
        if not faults:
            shutil.rmtree(place)
        return verdict

    async with open_shop(directory) as shop:
        verdicts = await asyncio.gather(*(one(number, case, shop) for number, case in enumerate(cases)))
        over_http = sum(verdict.executed for verdict in verdicts if verdict.case.transport == "http")
        if shop.all_executed() != over_http:
            # A call that arrives after its case was judged would otherwise be judged by nobody.
            verdicts[-1].findings.other.append(f"{shop.all_executed()} calls were executed, {over_http} were judged")
    return verdicts


async def judged(driver: Driver) -> Verdict:
    """The verdict, also where the driver itself was surprised."""
    running = asyncio.ensure_future(driver.run())
    await asyncio.wait({running}, timeout=CASE_S)
    if not running.done():
        running.cancel()
        await asyncio.wait({running})
    if running.cancelled():
        driver.verdict.findings.other.append(f"the case took longer than {CASE_S:.0f} s")
    elif error := running.exception():
        driver.verdict.findings.other.append("".join(traceback.format_exception(error)))
    return driver.verdict


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="cases whose description contains this text")
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    options = parser.parse_args()
    cases = [case for case in every_case() if options.only in str(case)]
    directory = Path(tempfile.mkdtemp(prefix="rf-crash-"))
    verdicts = asyncio.run(run_all(cases, directory))
    faults = sum(bool(verdict.findings.all()) or not verdict.reached for verdict in verdicts)
    result = {
        "points": len({verdict.case.point for verdict in verdicts if verdict.reached}),
        "cases": len(verdicts),
        "executed_without_entry": sum(len(v.findings.executed_without_entry) for v in verdicts),
        "executed_twice": sum(len(v.findings.executed_twice) for v in verdicts),
        "lost_tickets": sum(len(v.findings.lost_tickets) for v in verdicts),
        "lost_kills": sum(len(v.findings.lost_kills) for v in verdicts),
        "lost_labels": sum(len(v.findings.lost_labels) for v in verdicts),
        "other_faults": sum(len(v.findings.other) for v in verdicts),
        "not_reached": [str(verdict.case) for verdict in verdicts if not verdict.reached],
        "executed_calls": sum(verdict.executed for verdict in verdicts),
        "public_reads_sent_before_their_entry": sum(verdict.reads_before_their_entry for verdict in verdicts),
    }
    if faults or options.keep:
        print(f"what was left behind: {directory}")
    else:
        shutil.rmtree(directory)
    print(f"RESULT {json.dumps(result)}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
