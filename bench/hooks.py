"""`make bench-hook`: what a hook of a coding agent costs, against an HTTP hook that has no opinion.

A call is a PreToolUse and a PostToolUse of `true` on one kept connection, as the real client sends them. Both servers are asked
in turns. Ends with one line `RESULT {...}`; goals are reported, not asserted.
"""

import argparse
import asyncio
import json
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.figures import percentile
from bench.processes import Processes, Running, free_port, processes

PROGRAM = Path(sys.executable).with_name("ringfence")
TEMPLATE = Path(__file__).with_name("hooks.yaml.in")
AGENT = "coder"
GOAL_MS = 8.0
AT_ONCE = 20
COMMANDS = (
    "true",
    "git status --short && git diff --stat | head -20",
    'for f in src/*.py; do grep -n TODO "$f"; done | sort | uniq -c',
)
"""The first is what the goal is about; the others are ordinary."""


class HookFault(Exception):
    """An answer that a hook must not give."""


@dataclass(slots=True)
class Hook:
    """One kept connection to a hook."""

    host: str
    port: int
    cwd: str
    credential: str = ""
    _number: int = 0
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def call(self, command: str) -> tuple[float, float]:
        """One call; milliseconds of its PreToolUse and of its PostToolUse. Raises: HookFault."""
        self._number += 1
        common = {
            "session_id": "5f3c9a52-7c0e-4b1e-9a55-1d2f3a4b5c6d",
            "transcript_path": f"{self.cwd}/transcript.jsonl",
            "cwd": self.cwd,
            "permission_mode": "default",
            "tool_name": "Bash",
            # A text that was not parsed before, as most are.
            "tool_input": {"command": f"{command} # {self._number}", "description": f"Number {self._number}"},
            "tool_use_id": f"toolu_{id(self):x}{self._number:06}",
        }
        result = {"stdout": "", "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}
        before, said = await self._post({**common, "hook_event_name": "PreToolUse"})
        if self.credential and said.get("hookSpecificOutput", {}).get("permissionDecision") != "allow":
            raise HookFault(f"{command!r}: {said}")
        after, said = await self._post({**common, "hook_event_name": "PostToolUse", "tool_response": result, "duration_ms": 3})
        if said.get("decision") == "block":
            raise HookFault(f"{command!r}: {said}")
        return before, after

    async def _post(self, event: dict[str, object]) -> tuple[float, dict[str, Any]]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        body = json.dumps(event).encode()
        head = (
            f"POST /hook HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            f"User-Agent: axios/1.15.2\r\nAuthorization: Bearer {self.credential}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        began = time.perf_counter()
        self._writer.write(head.encode() + body)
        answered = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answered.partition(b"content-length:")[2].partition(b"\r\n")[0])
        said = await self._reader.readexactly(length)
        took = (time.perf_counter() - began) * 1000
        if not answered.startswith(b"http/1.1 200"):
            raise HookFault(f"{answered!r} {said[:300]!r}")
        return took, json.loads(said or b"{}")

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            await self._writer.wait_closed()


@dataclass(slots=True)
class Times:
    """Milliseconds of one kind of call at one server."""

    before: list[float] = field(default_factory=list[float])
    after: list[float] = field(default_factory=list[float])

    def note(self, took: tuple[float, float]) -> None:
        self.before.append(took[0])
        self.after.append(took[1])

    @property
    def both(self) -> float:
        """The median of a whole call."""
        return statistics.median(map(sum, zip(self.before, self.after, strict=True)))


async def in_turns(empty: Hook, ours: Hook, command: str, calls: int) -> tuple[Times, Times]:
    """Call both, one after the other."""
    nothing, gateway = Times(), Times()
    for number in range(calls + calls // 10):
        took, took_ours = await empty.call(command), await ours.call(command)
        if number >= calls // 10:
            nothing.note(took)
            gateway.note(took_ours)
    return nothing, gateway


async def at_once(hooks: Sequence[Hook], command: str, calls: int) -> list[float]:
    """Milliseconds of each call, of as many callers as there are hooks."""

    async def caller(hook: Hook) -> list[float]:
        return [sum(await hook.call(command)) for _ in range(calls)]

    return [took for of_one in await asyncio.gather(*map(caller, hooks)) for took in of_one]


async def opened(control: Path, runs: int) -> list[str]:
    """Credentials of so many runs."""
    connector = aiohttp.UnixConnector(path=str(control))
    async with aiohttp.ClientSession("http://localhost", connector=connector) as people:

        async def ask(path: str, body: dict[str, str]) -> dict[str, str]:
            async with people.post(f"/api/v1{path}", json=body) as response:
                response.raise_for_status()
                return await response.json()

        admin = await ask("/operators", {"name": "bench", "role": "admin"})
        people.headers["Authorization"] = f"Bearer {admin['credential']}"
        return [(await ask("/runs", {"agent": AGENT, "task": "Measure."}))["credential"] for _ in range(runs)]


async def measure(gateway: Running, root: Path, empty_port: int, calls: int) -> dict[str, float]:
    host, _, port = gateway.said(r"^ready.* agents http://([^/\s]+)").partition(":")
    project = str(root / "project")
    credentials = await opened(root / "state" / "control.sock", AT_ONCE)
    empty = Hook("127.0.0.1", empty_port, project)
    hooks = [Hook(host, int(port), project, credential) for credential in credentials]
    figures: dict[str, float] = {}
    for command in COMMANDS:
        nothing, ours = await in_turns(empty, hooks[0], command, calls)
        added = [
            statistics.median(ours.before) - statistics.median(nothing.before),
            statistics.median(ours.after) - statistics.median(nothing.after),
            ours.both - nothing.both,
        ]
        print(
            f"{command[:60]!r}: PreToolUse adds {added[0]:.2f} ms, PostToolUse {added[1]:.2f} ms, both {added[2]:.2f} ms;"
            f" an empty hook takes {nothing.both:.2f} ms for both; 99th percentile of ours {percentile(ours.before, 99):.1f} ms"
            f" and {percentile(ours.after, 99):.1f} ms"
        )
        if command == COMMANDS[0]:
            figures = {"added_pre_ms": added[0], "added_post_ms": added[1], "added_ms": added[2], "empty_ms": nothing.both}
    took = await at_once(hooks, COMMANDS[0], max(1, calls // 10))
    figures |= {"at_once": AT_ONCE, "at_once_p50_ms": statistics.median(took), "at_once_max_ms": max(took)}
    typical = figures["at_once_p50_ms"]
    print(f"{AT_ONCE} at once: a call takes {typical:.1f} ms at the median, {max(took):.1f} ms at most; none failed")
    for hook in (empty, *hooks):
        await hook.close()
    return {name: round(value, 3) for name, value in figures.items()}


def start(started: Processes, root: Path) -> tuple[Running, int]:
    """The gateway and the empty hook. Raises: NotStarted."""
    (root / "project").mkdir()
    config = root / "ringfence.yaml"
    config.write_text(string.Template(TEMPLATE.read_text("utf-8")).substitute(PROJECT=root / "project"), "utf-8")
    port = free_port()
    started.start("empty", [sys.executable, "-m", "bench.empty_hook", str(port)]).accepts(port)
    command = [str(PROGRAM), "up", "--config", str(config), "--state", str(root / "state"), "--port", "0"]
    return started.start("ringfence", command), port


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300, help="Calls of each command.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-", dir=Path.cwd()) as folder:
        root = Path(folder)
        with processes(root) as started:
            gateway, port = start(started, root)
            figures = asyncio.run(measure(gateway, root, port, arguments.calls))
    print(f"{'reached' if figures['added_ms'] <= GOAL_MS else 'NOT reached'}: at most {GOAL_MS:.0f} ms added at the median")
    print(f"RESULT {json.dumps(figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
