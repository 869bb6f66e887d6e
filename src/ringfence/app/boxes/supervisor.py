"""The supervisor of one box: asks the gateway whose it is, makes it, lets it go, does as it is told, and says how it ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from ringfence.core.box_profiles import PROFILES
from ringfence.core.model.box import BoxProfile
from ringfence.errors import UnavailableError
from ringfence.ports.box_line import BoxLine
from ringfence.ports.sandbox import Box, BoxEnd, BoxPlan, Sandbox, Workspace

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended, and where that stands."""

    code: int
    why: str
    run: str
    entry: str
    layers: tuple[str, ...]


async def supervise(sandbox: Sandbox, channel: BoxLine, wanted: Wanted, tell: Callable[[str], None]) -> Ended:
    """Run a command in a box, from its first process to the last. Raises UnavailableError."""
    await channel.send({"credential": wanted.credential, "binding": wanted.binding})
    adopted = await channel.receive()
    if adopted is None or "refused" in adopted:
        refused = adopted or {}
        raise UnavailableError(
            f"the gateway refused the box: {refused.get('refused', 'it went away')}", remedy=str(refused.get("remedy", ""))
        )
    profile = msgspec.convert(adopted["profile"], BoxProfile) if adopted["profile"] else PROFILES[DEFAULT_PROFILE]
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
        end = await _until_ended(box, channel, tell)
    finally:
        await box.close()
    await channel.send({"ended": {"code": end.code, **({"why": end.why} if end.why else {})}})
    recorded = await channel.receive() or {}
    return Ended(code=end.code, why=end.why, run=str(adopted["run"]), entry=str(recorded.get("recorded", "")), layers=layers)


async def _until_ended(box: Box, channel: BoxLine, tell: Callable[[str], None]) -> BoxEnd:
    loop = asyncio.get_running_loop()
    ended, heard = asyncio.ensure_future(box.wait()), asyncio.ensure_future(channel.receive())
    hurry = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, hurry.set)
    asked = asyncio.ensure_future(hurry.wait())
    try:
        while True:
            await asyncio.wait({ended, heard, asked}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result()
            if asked.done():
                await box.kill("interrupted")
                return await ended
            message = heard.result()
            if message is None:
                await box.kill("the gateway went away")
                return await ended
            heard = asyncio.ensure_future(channel.receive())
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
