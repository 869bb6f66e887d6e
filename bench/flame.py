"""Where the gateway's time goes: py-spy samples its stacks from outside while the driver calls the public read."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from bench.driver import measure
from bench.processes import Running
from bench.targets import Target

SPY = Path(__file__).parent / "profiler/.venv/bin/py-spy"
LEVEL, SECONDS, PER_S = 1, 12, 400
"""One call at a time: where all cores are taken, the sampler itself gets its turn when the gateway gives one up."""

PARTS: Final = (
    ("reading requests, writing answers (`adapters/pep`)", "ringfence/adapters/pep/"),
    ("sending to the server, reading its answer (`adapters/upstream`)", "ringfence/adapters/upstream/"),
    ("JSON-RPC and SSE (`adapters/wire`)", "ringfence/adapters/wire/"),
    ("the store, with its writer thread (`adapters/stores`)", "ringfence/adapters/stores/"),
    ("the one path (`engine`)", "ringfence/engine/"),
    ("deciding, canonical JSON, the state machine (`core`)", "ringfence/core/"),
    ("ports and the rest of ringfence", "ringfence/"),
    ("aiohttp's own", "aiohttp/"),
    ("uvicorn's own", "uvicorn/"),
)
OTHER: Final = "event loop and interpreter"
_COMMAND = re.compile(r">[^<]*py-spy[^<]*<")
_FRAME = re.compile(r"^.* \((?P<file>[^()]*?)(?::\d+)?\)$")


def shares(stacks: Iterable[str]) -> list[tuple[str, float]]:
    """Folded stacks (`outer;inner COUNT`) to each part's share of the samples, largest first.

    A sample counts for the innermost frame that is ringfence's, aiohttp's or uvicorn's: what these call in the standard
    library is their doing.
    """
    counts: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.strip().rpartition(" ")
        if stack and count.isdigit():
            counts[_part(stack)] += int(count)
    total = counts.total()
    return [(part, count / total) for part, count in counts.most_common()]


def _part(stack: str) -> str:
    for frame in reversed(stack.split(";")):
        found = _FRAME.match(frame)
        where = found["file"] if found else ""
        for part, mark in PARTS:
            if mark in where:
                return part
    return OTHER


async def draw(process: Running, read: Target, svg: Path, tell: Callable[[str], None]) -> list[tuple[str, float]]:
    """Draw the flame graph of the public read; each part's share. Says why where py-spy cannot."""
    if not SPY.exists():
        tell("no flame graph: py-spy is not set up (`make bench-peers`)")
        return []
    folded = svg.with_suffix(".folded")
    how = ["--rate", str(PER_S), "--duration", str(SECONDS), "--gil", "--nonblocking", "--pid", str(process.pid)]
    # Whole paths tell parts apart, and mean nothing in a picture that others look at.
    for form, file in ((["flamegraph"], svg), (["raw", "--full-filenames"], folded)):
        command = [str(SPY), "record", "--output", str(file), *how, "--format", *form]
        spy = await asyncio.create_subprocess_exec(*command, stdout=-3, stderr=asyncio.subprocess.PIPE)
        await measure(read.clients[:LEVEL], SECONDS + 1.0)
        _, said = await spy.communicate()
        if spy.returncode != 0:
            tell(f"no flame graph: {said.decode(errors='replace').strip()[-300:]}")
            return []
    _retitle(svg)
    found = shares(folded.read_text("utf-8").splitlines())
    folded.unlink()
    for part, share in found:
        tell(f"{share:5.0%}  {part}")
    return found


def _retitle(svg: Path) -> None:
    """Say what it shows, in place of the command that drew it."""
    svg.write_text(_COMMAND.sub(">A public read through Ringfence<", svg.read_text("utf-8")), "utf-8")
