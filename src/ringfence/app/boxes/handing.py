"""The supervisor hands a result over: looks at the bundle in quarantine, asks the gateway, lands the branch when it is told to.

supervisor                              gateway
{export: arguments}               ->    decided like every call (engine/boxes/exports.py)
                                  <-    {waits: {ticket, expires_at}}     a person has to decide
{leave: true}                     ->    nobody waits any more; the ticket stands
                                  <-    {land: true}
{landed: {branch} | {failed}}     ->
                                  <-    {exported: {state, ...}}
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.app.boxes.shelf import Shelf, Waiting
from ringfence.core.export.judging import Bounds, Verdict
from ringfence.core.export.protected import Protected
from ringfence.core.own_tools.exporting import MOST_DIFF, MOST_FAULTS, MOST_PATHS, branch_of
from ringfence.errors import UnavailableError
from ringfence.ports.box_line import BoxLine
from ringfence.ports.workspaces import Bundle, Examined, Quarantined, Workspaces

BOUNDS: Final = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What came of a result."""

    state: str
    """`landed`, `waiting`, `refused`, `denied`, `failed`, or `nothing`."""
    branch: str = ""
    commits: int = 0
    paths: int = 0
    protected: tuple[str, ...] = ()
    why: str = ""
    ticket: str = ""
    entry: str = ""
    changed: int | None = None
    """Files that are changed in the clone and not committed; they are gone with it."""


async def hand_over(
    workspaces: Workspaces,
    channel: BoxLine,
    shelf: Shelf,
    waiting: Waiting,
    tell: Callable[[str], None],
    leave: asyncio.Event,
) -> Handed:
    """From the bundle on the shelf to what came of it. Raises UnavailableError."""
    bundle = Bundle(file=str(shelf.file(waiting.run)), repository=waiting.repository, base=waiting.base)
    async with workspaces.quarantined(bundle, Protected(waiting.protect), BOUNDS) as quarantined:
        examined = quarantined.examined
        await channel.send({"export": _arguments(waiting, examined, shelf.file(waiting.run).stat().st_size)})
        said = await _until_answered(channel, quarantined, branch_of(waiting.run), tell, leave)
    judged = examined.judged
    handed = Handed(
        state=str(said.get("state", "failed")),
        branch=str(said.get("branch", "")),
        commits=judged.commits,
        paths=len(judged.paths),
        protected=judged.protected,
        why="; ".join(judged.faults) if judged.verdict is Verdict.REFUSED else str(said.get("why", "")),
        ticket=str(said.get("ticket", "")),
        entry=str(said.get("entry", "")),
    )
    if handed.state != "waiting":
        shelf.drop(waiting.run)
    return handed


def _arguments(waiting: Waiting, examined: Examined, size: int) -> dict[str, Any]:
    judged = examined.judged
    return {
        "repo": waiting.repository,
        "branch": branch_of(waiting.run),
        "base": waiting.base,
        "head": examined.head,
        "bundle": waiting.sha256,
        "bytes": size,
        "commits": judged.commits,
        "paths": len(judged.paths),
        "protected": list(judged.protected[:MOST_PATHS]),
        "refused": [fault[:2000] for fault in judged.faults[:MOST_FAULTS]],
        "diff": examined.diff[:MOST_DIFF],
    }


async def _until_answered(
    channel: BoxLine, quarantined: Quarantined, branch: str, tell: Callable[[str], None], leave: asyncio.Event
) -> Mapping[str, Any]:
    left = asyncio.ensure_future(leave.wait())
    heard = asyncio.ensure_future(channel.receive())
    try:
        while True:
            await asyncio.wait({heard, left} if not left.done() else {heard}, return_when=asyncio.FIRST_COMPLETED)
            if not heard.done():
                await channel.send({"leave": True})
                continue
            message = heard.result()
            if message is None:
                raise UnavailableError("the gateway went away before it had decided about the result")
            if isinstance(exported := message.get("exported"), dict):
                return cast("dict[str, Any]", exported)
            if message.get("order") == "kill":
                raise UnavailableError(f"the result stays in the box: {message.get('why', 'killed')}")
            heard = asyncio.ensure_future(channel.receive())
            if "waits" in message:
                tell(f"its result waits for a person: ticket {message['waits']['ticket']} (Ctrl-C leaves it there)")
            if "land" in message:
                await channel.send({"landed": await _landed(quarantined, branch)})
    finally:
        for task in (left, heard):
            task.cancel()
        await asyncio.gather(left, heard, return_exceptions=True)


async def _landed(quarantined: Quarantined, branch: str) -> dict[str, Any]:
    try:
        await quarantined.land(branch)
    except UnavailableError as error:
        return {"failed": str(error)}
    return {"branch": branch, "head": quarantined.examined.head}
