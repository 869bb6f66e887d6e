"""The fuzz tests for as long as one likes: `python -m tests.fuzz.campaign --minutes 30`. Ends with one line `RESULT {...}`.

Rounds of the generators that the suite uses: requests against a whole gateway in-process, replies of servers through it,
server bytes through the codecs, HTTP answers on real sockets, and what a box sends to its way out. Each round has a seed of its
own, printed where something was found: `--seed N --rounds 1` runs that round again. Exit code 1 where anything was found.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import resource
import secrets
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from random import Random

from tests.fuzz.answers import faults, message, reply, response, stream
from tests.fuzz.egress_bytes import faults_of_flight, faults_of_head, flight, head, hello
from tests.fuzz.front import Front
from tests.fuzz.hostile_server import HostileServer, hostile_server

from ringfence.adapters.wire.mcp import Era
from ringfence.testing.scenario import ORDERS

REQUESTS, REPLIES, MESSAGES, ANSWERS, EGRESS = 400, 100, 400, 20, 400
"""Cases of one round."""
SHOWN = 20
"""Findings of one kind that are printed in full."""
SAID_S = 60.0
KINDS = {
    "crash": "crashes",
    "http_500": "http_500",
    "not_canonical": "non_canonical_upstream",
    "malformed": "malformed_answers",
    "left_behind": "left_behind",
    "egress": "egress_faults",
}


class Campaign:
    """Counts, and what was found."""

    def __init__(self, servers: dict[Era, HostileServer]) -> None:
        self.cases = 0
        self.executed = 0
        self.found: Counter[str] = Counter()
        self._servers = servers
        self._hello = hello()

    async def round(self, seed: int) -> None:
        """One round; everything in it follows from its seed but the timing."""
        rng = Random(seed)
        front = await Front.build()
        for _ in range(REQUESTS):
            self._note(seed, await front.faults(front.draw(rng)))
        self._note(seed, await front.end())
        self.executed += front.executed
        for _ in range(REPLIES):
            self._note(seed, await self._shown(rng))
        for _ in range(MESSAGES):
            self._note(seed, await faults(rng, stream(rng) if rng.random() < 0.5 else message(rng)))
        for _ in range(EGRESS):
            self._note(seed, [*faults_of_head(head(rng)), *faults_of_flight(flight(rng, self._hello))])
        for _ in range(ANSWERS):
            server = self._servers[rng.choice(tuple(Era))]
            self._note(seed, await server.faults(response(rng)))

    async def _shown(self, rng: Random) -> list[str]:
        front = await Front.build()
        front.world.upstreams[ORDERS].replies["get"] = reply(rng)
        call = {"name": "orders__get", "arguments": {"order": "A1"}}
        exchange = front.agent.modern("tools/call", call) if rng.random() < 0.5 else front.agent.legacy("tools/call", call)
        return [*front.faults_of(await exchange.done()), *await front.end()]

    def _note(self, seed: int, found: list[str]) -> None:
        self.cases += 1
        for fault in found:
            kind = KINDS[fault.partition(":")[0]]
            self.found[kind] += 1
            if self.found[kind] <= SHOWN:
                print(f"seed {seed}: {fault[:2000]}", flush=True)


def peak_rss_mib() -> float:
    """Of this process, since it began."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


async def run(seed: int, minutes: float, rounds: int | None) -> int:
    """Rounds until the time is up or the number is reached; the exit code."""
    began, said, done, early = time.monotonic(), 0.0, 0, 0.0
    async with AsyncExitStack() as stack:
        campaign = Campaign({era: await stack.enter_async_context(hostile_server(era)) for era in Era})
        while (done < rounds) if rounds is not None else (time.monotonic() - began < minutes * 60):
            await campaign.round(seed + done)
            done += 1
            early = early if done > 20 else peak_rss_mib()
            if time.monotonic() - began - said > SAID_S:
                said = time.monotonic() - began
                print(f"{said:.0f} s, {campaign.cases} cases, {dict(campaign.found)}, {peak_rss_mib()} MiB", flush=True)
    result = {
        "cases": campaign.cases,
        **{kind: campaign.found[kind] for kind in KINDS.values()},
        "peak_rss_mib": peak_rss_mib(),
        "rss_mib_after_20_rounds": early,
        "executed": campaign.executed,
        "seed": seed,
        "rounds": done,
        "seconds": round(time.monotonic() - began),
    }
    print("RESULT " + json.dumps(result))
    return 1 if campaign.found else 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None, help="of the first round; the following count on")
    parser.add_argument("--rounds", type=int, default=None, help="so many instead of for so long")
    given = parser.parse_args()
    seed = secrets.randbelow(2**31) if given.seed is None else given.seed
    logging.disable(logging.CRITICAL)
    print(f"seed {seed}", flush=True)
    sys.exit(asyncio.run(run(seed, given.minutes, given.rounds)))


if __name__ == "__main__":
    main()
