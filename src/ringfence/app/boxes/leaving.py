"""What a command has left in its clone, looked at from a fresh box: how much is changed, and a bundle of what is committed.

The clone is the agent's: its configuration, its filters and its nested repositories can name commands, so no git of the host
ever runs in it. In the fresh box it is read-only and there is no way out; whatever comes out is untrusted all the same.
"""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import Final

from ringfence.core.export.judging import Bounds
from ringfence.core.model.box import BoxLimits, BoxProfile
from ringfence.ports.sandbox import Box, BoxPlan, Left, Sandbox, Workspace, WorkspaceKind

LOOK: Final = BoxProfile(
    name="look",
    limits=BoxLimits(memory_mib=1024, processes=32, file_mib=64, workspace_mib=1, tmp_mib=64, wall_clock_s=60),
)
_QUIET: Final = "git -c core.fsmonitor=false -c core.hooksPath=/dev/null"
BUNDLE: Final = f"""
exec </dev/null 3>&2 2>/dev/null
{_QUIET} --no-optional-locks status --porcelain -z --untracked-files=all --no-renames |
  head -c 1000000 | tr -dc '\\0' | wc -c >&3
head=$({_QUIET} rev-parse --verify --quiet 'HEAD^{{commit}}') || exit 3
[ "$head" != "$1" ] || exit 4
exec {_QUIET} bundle create --quiet - HEAD "^$1"
"""
COMMIT: Final = f"""
exec </dev/null >/dev/null 2>&1
{_QUIET} add --all && {_QUIET} -c commit.gpgSign=false commit --quiet --no-verify --message="$1"
"""
NO_HEAD, NOTHING_NEW = 3, 4
_COUNT: Final = re.compile(rb" *([0-9]{1,7})\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What was found. None of it can be relied on."""

    changed: int | None = None
    """Files that are changed and not committed; None: it cannot be told."""
    bundle: bytes = b""
    """Cut one byte above its bound. Empty: there is nothing new."""
    why: str = ""
    """Where there should be a bundle and is none."""


async def remains(sandbox: Sandbox, left: Left, name: str, base: str, bounds: Bounds, commit: str = "") -> Remains:
    """`commit`: everything that is changed becomes one commit with this message first, by the git of a box of its own.

    Raises UnavailableError where no box can be made.
    """
    async with AsyncExitStack() as boxes:
        if commit:
            left = await _committed(sandbox, left, name, commit, boxes) or left
        code, bundle, said = await _ran(sandbox, left, name, ("/bin/sh", "-c", BUNDLE, "sh", base), bounds.bundle + 1, boxes)
    count = _COUNT.fullmatch(said)
    changed = int(count[1]) if count is not None else None
    if code == NOTHING_NEW:
        return Remains(changed=changed)
    if code == NO_HEAD:
        return Remains(changed=changed, why="its HEAD is no commit")
    if not bundle:
        return Remains(changed=changed, why="its git makes no bundle of it")
    return Remains(changed=changed, bundle=bundle)


async def _committed(sandbox: Sandbox, left: Left, name: str, message: str, boxes: AsyncExitStack) -> Left | None:
    """The clone as the box leaves it: each box hands it on, and ends with the stack."""
    box = await _made(
        sandbox, left, f"{name}-commit", ("/bin/sh", "-c", COMMIT, "sh", message), os.devnull, os.devnull, writable=True
    )
    boxes.push_async_callback(box.close)
    box.release()
    await box.wait()
    return box.left


async def _ran(
    sandbox: Sandbox, left: Left, name: str, command: tuple[str, ...], most: int, boxes: AsyncExitStack
) -> tuple[int, bytes, bytes]:
    out, told_out = os.pipe()
    err, told_err = os.pipe()
    try:
        box = await _made(sandbox, left, name, command, told_out, told_err)
    except BaseException:
        os.close(out)
        os.close(err)
        raise
    finally:
        os.close(told_out)
        os.close(told_err)
    boxes.push_async_callback(box.close)
    box.release()
    said, heard = await asyncio.gather(_read(out, most, box), _read(err, 100, box))
    return (await box.wait()).code, said, heard


async def _made(
    sandbox: Sandbox,
    left: Left,
    name: str,
    command: tuple[str, ...],
    out: int | str,
    err: int | str,
    *,
    writable: bool = False,
) -> Box:
    with ExitStack() as opened:

        def descriptor(place: int | str, flags: int) -> int:
            if isinstance(place, int):
                return place
            number = os.open(place, flags | os.O_CLOEXEC)
            opened.callback(os.close, number)
            return number

        stdio = (descriptor(os.devnull, os.O_RDONLY), descriptor(out, os.O_WRONLY), descriptor(err, os.O_WRONLY))
        workspace = Workspace(kind=WorkspaceKind.LEFT, left=left, writable=writable)
        return await sandbox.start(BoxPlan(name=name, command=command, profile=LOOK, workspace=workspace, stdio=stdio))


async def _read(descriptor: int, most: int, box: Box) -> bytes:
    """To its end, or to its bound: who says more is ended."""
    stream = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", 0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
    held = b""
    try:
        while len(held) < most and (piece := await stream.read(most - len(held))):
            held += piece
        if len(held) == most:
            await box.kill("it says too much")
        return held
    finally:
        transport.close()
