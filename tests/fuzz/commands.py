"""Commands of the grammar, decided and run: `python -m tests.fuzz.commands --cases 200000`. Ends with one line `RESULT {...}`.

Each case is decided as a gateway would under the rules of the bypass shapes. What is allowed is run by a real bash in a box,
which traces every execve and sees which files were read, written and removed. Of the rest a part is run, which shows how many
of the commands drawn do harm. Found is: a decision that fails, and harm done by what was allowed. Then the exit code is 1.
`--seed N --cases M` draws the same commands again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.bypass.deciding import Decider, decider
from tests.bypass.measuring import laid_out
from tests.bypass.shapes import CLIENT_RULES
from tests.fuzz.shell.box import Box, box
from tests.fuzz.shell.grammar import command
from tests.fuzz.shell.harm import LINKS, ground, harms

from ringfence.core.model.verdict import Level

RUN_ANYWAY = 25
"""One in so many of those that were not allowed is run as well."""
SHOWN = 40


@dataclass(slots=True)
class Found:
    """What a number of cases came to."""

    counts: Counter[str] = field(default_factory=Counter[str])
    crashes: list[str] = field(default_factory=list[str])
    let_through: list[str] = field(default_factory=list[str])

    def add(self, other: Found) -> None:
        self.counts += other.counts
        self.crashes += other.crashes
        self.let_through += other.let_through


async def one(decide: Decider, bash: Box, text: str, found: Found, *, anyway: bool) -> None:
    """Decide a command, and run it if it is allowed."""
    found.counts["cases"] += 1
    try:
        level = (await decide.command(text)).decision.level
    except Exception as error:  # noqa: BLE001 - whatever leaves the decision is the finding
        found.crashes.append(f"{text!r}: {type(error).__name__}: {error}")
        return
    found.counts[level.name.lower()] += 1
    if level is not Level.ALLOW and not anyway:
        return
    done = harms(bash.run(text))
    found.counts["run" if level is Level.ALLOW else "run_anyway"] += 1
    if level is not Level.ALLOW:
        found.counts["harmful_of_those"] += bool(done)
    elif done:
        found.let_through.append(f"{text!r}: {'; '.join(done)}")


async def play(seed: int, cases: int, folder: Path) -> Found:
    """So many commands; which ones follows from the seed."""
    root = laid_out(folder)
    rng, found = Random(seed), Found()
    with box(str(root), str(folder / "home"), ground(), LINKS) as bash:
        async with decider(folder, root, CLIENT_RULES) as decide:
            for number in range(cases):
                await one(decide, bash, command(rng), found, anyway=number % RUN_ANYWAY == 0)
    return found


def worker(given: tuple[int, int]) -> Found:
    """One part, in a process of its own."""
    seed, cases = given
    with tempfile.TemporaryDirectory(prefix="ringfence-fuzz-", dir="/tmp") as folder:
        return asyncio.run(play(seed, cases, Path(folder).resolve()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--part", type=int, default=2_000, help="Cases of one seed; the seeds follow one another.")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    began, found = time.monotonic(), Found()
    parts = [
        (given.seed + number, min(given.part, given.cases - at)) for number, at in enumerate(range(0, given.cases, given.part))
    ]
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        for number, of_part in enumerate(pool.imap_unordered(worker, parts), start=1):
            found.add(of_part)
            for text in (*of_part.crashes, *of_part.let_through)[:SHOWN]:
                print(f"FOUND {text[:600]}", flush=True)
            if number % 10 == 0:
                print(f"{found.counts['cases']} cases in {time.monotonic() - began:.0f} s", flush=True)
    result = {"seed": given.seed, "crashes": len(found.crashes), "let_through": len(found.let_through), **found.counts}
    print(f"RESULT {json.dumps({**result, 'seconds': round(time.monotonic() - began)})}")
    return int(bool(found.crashes or found.let_through))


if __name__ == "__main__":
    sys.exit(main())
