"""The supervisor of one box: asks the gateway whose it is, makes it, lets it go, does as it is told, and says how it ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from ringfence.app.boxes.handing import BOUNDS, Handed, hand_over
from ringfence.app.boxes.leaving import remains
from ringfence.app.boxes.shelf import Shelf
from ringfence.core.box_profiles import PROFILES
from ringfence.core.model.box import BoxProfile
from ringfence.errors import UnavailableError
from ringfence.ports.box_line import BoxLine
from ringfence.ports.sandbox import Box, BoxEnd, BoxPlan, Sandbox, Workspace, WorkspaceKind
from ringfence.ports.workspaces import Workspaces

DEFAULT_PROFILE: Final = "light"
"""Of an agent that has none of its own."""
GRACE_S: Final = 5.0
"""Between asking the command to end (Ctrl-C) and ending the box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to be run in a box."""

    command: Sequence[str]
    credential: str
    binding: str
    workspace: Workspace = Workspace()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    stdio: tuple[int, int, int] = (0, 1, 2)
    commit: bool = False
    """Whether what the command has changed and not committed becomes a commit."""
    wait: bool = True
    """Whether to wait for a person, where the result needs one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Where results go."""

    workspaces: Workspaces
    shelf: Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended, and where that stands."""

    code: int
    why: str
    run: str
    entry: str
    layers: tuple[str, ...]
    result: Handed | None = None
    """What came of what it has committed; None: there was no clone, or it was ended from outside."""


async def supervise(sandbox: Sandbox, channel: BoxLine, wanted: Wanted, tell: Callable[[str], None], results: Results) -> Ended:
    """Run a command in a box, from its first process to the last. Raises UnavailableError."""
    await channel.send({"credential": wanted.credential, "binding": wanted.binding})
    adopted = await channel.receive()
    if adopted is None or "refused" in adopted:
        refused = adopted or {}
        raise UnavailableError(
            f"the gateway refused the box: {refused.get('refused', 'it went away')}", remedy=str(refused.get("remedy", ""))
        )
    own = msgspec.convert(adopted["profile"], BoxProfile) if adopted["profile"] else None
    profile = own or PROFILES[DEFAULT_PROFILE]
    source = wanted.workspace.source if wanted.workspace.kind is WorkspaceKind.CLONE else None
    base = await results.workspaces.base_of(source) if source is not None else ""
    box = await sandbox.start(
        BoxPlan(
            name=f"{adopted['run']}".replace("_", "-").lower(),
            command=wanted.command,
            profile=profile,
            environment=wanted.environment,
            workspace=wanted.workspace,
            listener_port=int(adopted["port"]),
            files={"ca.pem": f"{adopted['bundle']}\n{adopted['authority']}".encode()},
            stdio=wanted.stdio,
        )
    )
    layers = tuple(sorted(layer.value for layer in box.layers))
    try:
        told = {"profile": profile.name, "layers": list(layers), "workspace": wanted.workspace.kind.value}
        if source is not None:
            told |= {"repo": source, "base": base}
        given = (box.listener,) if box.listener is not None else ()
        await channel.send({"command": list(wanted.command), "told": told}, given)
        if box.listener is not None:
            os.close(box.listener)
        go = await channel.receive()
        if go is None or "go" not in go:
            raise UnavailableError("the gateway did not let the box start")
        tell(
            f"run {adopted['run']} of agent {adopted['agent']}: profile {profile.name}, {len(layers)} layers, entry {go['go']}"
        )
        box.release()
        end, is_ordered = await _until_ended(box, channel, tell)
        clone = _Clone(str(adopted["run"]), source, base, own) if source is not None and not is_ordered else None
        result = await _result(sandbox, channel, box, clone, wanted, results, tell) if clone is not None else None
    finally:
        await box.close()
    ended = {"code": end.code, **({"why": end.why} if end.why else {}), **({"workspace": _told(result)} if result else {})}
    await channel.send({"ended": ended})
    recorded = await _recorded(channel)
    return Ended(code=end.code, why=end.why, run=str(adopted["run"]), entry=recorded, layers=layers, result=result)


async def fetch(channel: BoxLine, results: Results, run: str, tell: Callable[[str], None], *, wait: bool) -> Handed:
    """Hand over what was left waiting. Raises UnavailableError."""
    waiting = results.shelf.get(run)
    await channel.send({"again": run})
    found = await channel.receive()
    if found is None or "refused" in found:
        refused = found or {}
        raise UnavailableError(str(refused.get("refused", "the gateway went away")), remedy=str(refused.get("remedy", "")))
    with _interrupts() as leave:
        if not wait:
            leave.set()
        return await hand_over(results.workspaces, channel, results.shelf, waiting, tell, leave)


@dataclass(frozen=True, slots=True)
class _Clone:
    """Whose it is, and where it began."""

    run: str
    source: str
    base: str
    profile: BoxProfile | None
    """Its agent's own."""


async def _result(
    sandbox: Sandbox,
    channel: BoxLine,
    box: Box,
    clone: _Clone,
    wanted: Wanted,
    results: Results,
    tell: Callable[[str], None],
) -> Handed:
    """What has to be said of the clone. A result that cannot leave is no reason to lose the command's exit code."""
    if clone.profile is None:
        return Handed(state="refused", why="its agent has no `box` in the configuration, so no result of it leaves")
    if box.left is None:
        return Handed(state="failed", why="this machine cannot keep a clone when its box has ended (Linux 5.2 or later)")
    name = f"look-{clone.run}".replace("_", "-").lower()
    try:
        message = f"Changes of run {clone.run}" if wanted.commit else ""
        found = await remains(sandbox, box.left, name, clone.base, BOUNDS, message)
        if found.why:
            return Handed(state="refused", why=found.why, changed=found.changed)
        if not found.bundle:
            return Handed(state="nothing", changed=found.changed)
        waiting = results.shelf.put(clone.run, found.bundle, clone.source, clone.base, clone.profile.protect)
        with _interrupts() as leave:
            if not wanted.wait:
                leave.set()
            handed = await hand_over(results.workspaces, channel, results.shelf, waiting, tell, leave)
        return replace(handed, changed=found.changed)
    except UnavailableError as error:
        return Handed(state="failed", why=str(error))


def _told(result: Handed) -> dict[str, Any]:
    """As the entry has it."""
    told = {"state": result.state, "commits": result.commits, "paths": result.paths, "changed": result.changed}
    named = {"branch": result.branch, "why": result.why[:1000], "ticket": result.ticket, "entry": result.entry}
    return told | {key: value for key, value in named.items() if value}


async def _recorded(channel: BoxLine) -> str:
    """The entry of its end. What was still on the way is passed over."""
    while (message := await channel.receive()) is not None:
        if "recorded" in message:
            return str(message["recorded"])
    return ""


@contextmanager
def _interrupts() -> Generator[asyncio.Event]:
    """Set by Ctrl-C and the like."""
    loop, hurry = asyncio.get_running_loop(), asyncio.Event()
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for name in names:
        loop.add_signal_handler(name, hurry.set)
    try:
        yield hurry
    finally:
        for name in names:
            loop.remove_signal_handler(name)


async def _until_ended(box: Box, channel: BoxLine, tell: Callable[[str], None]) -> tuple[BoxEnd, bool]:
    """How it ended, and whether the gateway wanted it to."""
    loop = asyncio.get_running_loop()
    is_ordered = False
    ended, heard = asyncio.ensure_future(box.wait()), asyncio.ensure_future(channel.receive())
    hurry = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, hurry.set)
    asked = asyncio.ensure_future(hurry.wait())
    try:
        while True:
            await asyncio.wait({ended, heard, asked}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result(), is_ordered
            if asked.done():
                await box.kill("interrupted")
                return await ended, is_ordered
            message = heard.result()
            if message is None:
                await box.kill("the gateway went away")
                return await ended, True
            heard = asyncio.ensure_future(channel.receive())
            is_ordered = is_ordered or message.get("order") == "kill"
            await _obey(box, message, tell)
    finally:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(name)
        # Two that wait for one socket would take the word from each other: the first is over before another begins.
        for task in (heard, asked):
            task.cancel()
        await asyncio.gather(heard, asked, return_exceptions=True)


async def _obey(box: Box, message: Mapping[str, Any], tell: Callable[[str], None]) -> None:
    why = str(message.get("why", ""))
    match message.get("order"):
        case "kill":
            tell(why)
            await box.kill(why or "killed")
        case "pause":
            tell(f"{why}; it goes on when the pause is lifted")
            await box.pause()
        case "run":
            tell("it goes on")
            await box.resume()
        case _:
            pass
