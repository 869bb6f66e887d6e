"""The dialogue that every Python driver holds, whatever its SDK: the command line, the scenarios, the one line printed.

    driver.py --url URL [--bearer CREDENTIAL] --scenario list
    driver.py --scenario call NAME JSON -- COMMAND ARGUMENT...
    driver.py ... --scenario approve NAME JSON --go FILE [--pending FILE]
    driver.py ... --scenario steps JSON [--answer JSON] [--events FILE]

`steps` calls tools one after the other on one connection: `[{"tool", "arguments", "cancel"}, ...]`, all with progress. A step
with `cancel` is taken back when the file of that name appears; the step `"list"` lists the tools and is not among the results.
With `--answer` the client declares form elicitation and accepts every question with that content. What it hears meanwhile, it
adds to `--events` at once, one JSON list a line: `["progress", PROGRESS, TOTAL, MESSAGE]`, `["question", MESSAGE]`,
`["call", STEP]`.

`approve` calls a gated tool and waits whatever the server makes it wait. When the answer is a pending approval, it writes
that to `--pending` (if given), waits for `--go` to appear, and claims. The client's own defaults stay untouched, above all
its time-outs: what a default client sees is what the dialogue is for.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

APPROVAL_KEY = "ringfence/approval"
GO_POLL_S = 0.05
GO_LONGEST_S = 240.0


@dataclass(frozen=True)
class Answer:
    """One result of `tools/call`, in words that all SDKs share."""

    is_error: bool
    text: str
    structured: Any
    meta: dict[str, Any]


OnProgress = Callable[[float, float | None, str | None], None]


class Peer(Protocol):
    """A connected client."""

    @property
    def protocol_version(self) -> str:
        """The revision that was negotiated."""
        ...

    async def list_tools(self) -> dict[str, Any]:
        """Every tool's input schema by name, in the order of the listing."""
        ...

    async def call(self, name: str, arguments: dict[str, Any], on_progress: OnProgress | None) -> Answer:
        """Call a tool; `on_progress` is called for each progress notification and asks for them when given."""
        ...

    async def take_back(self, call: asyncio.Task[Answer]) -> None:
        """Cancel the call under way, as this client does that."""
        ...


@dataclass(frozen=True)
class Options:
    """What a driver was asked to do. Either `url` is set or `command` is not empty."""

    era: str
    url: str | None
    headers: dict[str, str]
    command: list[str]
    environment: dict[str, str]
    scenario: list[str]
    progress: bool
    go: Path | None
    pending: Path | None
    claim_tool: str
    answer: dict[str, Any] | None
    events: Path | None


@dataclass
class Report:
    """The line that a driver prints."""

    driver: str
    protocol_version: str | None = None
    tools: dict[str, Any] | None = None
    result: Answer | None = None
    pending: dict[str, Any] | None = None
    claimed: Answer | None = None
    progress: int = 0
    steps: list[Answer | str] | None = None
    error: str | None = field(default=None)

    def line(self) -> str:
        """One JSON object; what was not seen is left out."""
        seen = {name: value for name, value in vars(self).items() if value is not None}
        return json.dumps(seen, default=vars)


def parse(arguments: list[str]) -> Options:
    """Read the command line; argparse ends the process with status 2 on a wrong one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--era", choices=["legacy", "modern", "auto"], default="auto")
    parser.add_argument("--url")
    parser.add_argument("--bearer")
    parser.add_argument("--env", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--scenario", nargs="+", required=True)
    parser.add_argument("--progress", action="store_true")
    parser.add_argument("--go", type=Path)
    parser.add_argument("--pending", type=Path)
    parser.add_argument("--claim-tool", default="ringfence__claim")
    parser.add_argument("--answer", type=json.loads)
    parser.add_argument("--events", type=Path)
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:split])
    command = arguments[split + 1 :]
    words = cast("list[str]", options.scenario)
    if (words[0], len(words)) not in {("list", 1), ("call", 3), ("approve", 3), ("steps", 2)}:
        parser.error("--scenario is: list | call NAME JSON | approve NAME JSON | steps JSON")
    if (options.url is None) == (not command):
        parser.error("give either --url or, after --, a command")
    return Options(
        era=options.era,
        url=options.url,
        headers={"Authorization": f"Bearer {options.bearer}"} if options.bearer else {},
        command=command,
        environment=dict(pair.split("=", 1) for pair in options.env),
        scenario=words,
        progress=options.progress,
        go=options.go,
        pending=options.pending,
        claim_tool=options.claim_tool,
        answer=options.answer,
        events=options.events,
    )


async def hold(peer: Peer, options: Options, report: Report) -> None:
    """Hold the dialogue and fill the report."""
    report.protocol_version = peer.protocol_version
    verb, *rest = options.scenario
    if verb == "list":
        report.tools = await peer.list_tools()
        return
    if verb == "steps":
        await walk(peer, options, report)
        return

    def count(progress: float, total: float | None, message: str | None) -> None:
        report.progress += 1

    on_progress = count if options.progress else None
    name, arguments = rest[0], json.loads(rest[1])
    report.result = await peer.call(name, arguments, on_progress)
    pending = report.result.meta.get(APPROVAL_KEY)
    if verb == "call" or not report.result.is_error or pending is None:
        return
    report.pending = cast("dict[str, Any]", pending)
    if options.pending is not None:
        publish(options.pending, json.dumps(pending))
    if options.go is not None:
        await appears(options.go)
    report.claimed = await peer.call(options.claim_tool, {"ticket": report.pending["approval_id"]}, on_progress)


async def walk(peer: Peer, options: Options, report: Report) -> None:
    """Go through the steps and fill the report."""

    def told(progress: float, total: float | None, message: str | None) -> None:
        report.progress += 1
        heard(options, "progress", progress, total, message)

    report.steps = []
    for place, step in enumerate(json.loads(options.scenario[1])):
        if step == "list":
            report.tools = await peer.list_tools()
            continue
        heard(options, "call", place)
        call = asyncio.ensure_future(peer.call(step["tool"], step["arguments"], told))
        if "cancel" in step:
            await appears(Path(step["cancel"]))
            await peer.take_back(call)
        await asyncio.wait([call])
        report.steps.append("cancelled" if call.cancelled() else call.result())


def heard(options: Options, *event: Any) -> None:
    """Tell the test at once, in one write."""
    if options.events is not None:
        with options.events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")


def publish(path: Path, text: str) -> None:
    """Make a file appear with its whole content."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    part.rename(path)


async def appears(path: Path) -> None:
    """Raises TimeoutError when the file never comes."""
    async with asyncio.timeout(GO_LONGEST_S):
        while True:
            if await asyncio.to_thread(path.exists):
                return
            await asyncio.sleep(GO_POLL_S)


Dialogue = Callable[[Peer], Awaitable[None]]


def run(driver: str, connect: Callable[[Options, Dialogue], Coroutine[Any, Any, None]]) -> int:
    """Run one dialogue and print its line.

    Args:
        driver: The driver's name, for the line.
        connect: Opens the client, gives it to the dialogue and closes it.

    Returns:
        The exit status: 0, or 1 after a failure that the line names.
    """
    options = parse(sys.argv[1:])
    report = Report(driver)

    async def dialogue(peer: Peer) -> None:
        await hold(peer, options, report)

    failure = asyncio.run(outcome(connect(options, dialogue)))
    if failure is not None:
        report.error = "; ".join(leaves(failure))
    print(report.line())
    return 0 if report.error is None else 1


async def outcome(work: Coroutine[Any, Any, None]) -> BaseException | None:
    """Run the work to its end and give its failure as a value."""
    task = asyncio.create_task(work)
    await asyncio.wait({task})
    return task.exception()


def leaves(failure: BaseException) -> list[str]:
    """What really went wrong: the SDKs wrap it in groups."""
    if isinstance(failure, BaseExceptionGroup):
        inner = cast("BaseExceptionGroup[BaseException]", failure)
        return [text for one in inner.exceptions for text in leaves(one)]
    return [f"{type(failure).__name__}: {failure}"]
