"""The way of one answer to its client: a stream piece by piece, anything else as a whole, and its end where it is cut.

The end of a stream is kept back (`Work.tail`) until its outcome is recorded: whoever has read it finds what it did not use free
again. Whether it was stopped is looked at before each piece, with no await in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ringfence.core.metering.stream import Cut, CutKind, Forward
from ringfence.core.own_tools.modelling import Act
from ringfence.engine.models.work import Work
from ringfence.errors import UnavailableError
from ringfence.ports.model_upstream import ModelAnswer

TAIL_S: Final = 0.2
"""How long the connection may stay open after the end of an answer before it is given up."""
LARGEST_ANSWER: Final = 64 << 20
"""Bytes of an answer that is no stream."""
LARGEST_ERROR: Final = 1 << 20
LARGEST_TAIL: Final = 1 << 20
EVENTS: Final = "text/event-stream"

Masked = Callable[[bytes], bytes]
"""Bytes without the operator's secrets."""
Stopped = Callable[[], tuple[CutKind, str] | None]
"""Why nothing more may be passed on; None: it may."""


async def receive(work: Work, answer: ModelAnswer, stopped: Stopped, masked: Masked) -> None:
    """Take the answer in, and pass a stream on. Raises UnavailableError where it breaks off or cannot be watched."""
    is_stream = work.headers.get("content-type", "").partition(";")[0].strip().lower() == EVENTS
    if work.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnavailableError("the answer is encoded, which was not asked for")
    if is_stream and 200 <= work.status < 300 and work.asking.act is Act.MESSAGES:
        await _pass_on(work, answer, stopped, masked)
        return
    most = LARGEST_ANSWER if work.status < 300 else LARGEST_ERROR
    whole = bytearray()
    while piece := await answer.read():
        whole += piece
        if len(whole) > most:
            raise UnavailableError(f"the answer is larger than {most} bytes")
    work.whole = bytes(whole)


async def break_off(work: Work) -> None:
    """End it for its client, as `work.ending` says. What was kept back is dropped."""
    assert work.ending is not None  # INVARIANT: the caller looked
    kind, message = work.ending
    last = work.stream.cut(kind, f"ringfence: {message}" if message else "")
    work.tail.clear()
    if work.has_begun:
        await work.client.break_off(last, at_once=kind is CutKind.KILLED)


async def _pass_on(work: Work, answer: ModelAnswer, stopped: Stopped, masked: Masked) -> None:
    stream, client = work.stream, work.client
    work.has_begun = True
    await client.begin(work.status, work.headers)
    while not stream.is_complete:
        chunk = await answer.read()
        for command in stream.feed(chunk) if chunk else stream.finish():
            if isinstance(command, Cut):
                raise UnavailableError(command.why)
            if not isinstance(command, Forward):
                continue
            if stream.is_complete:
                work.tail += command.data
                continue
            if (why := stopped()) is not None:
                work.ending = why
                return
            work.is_behind = True
            # An error may quote the request, headers and all.
            await client.write(masked(command.data) if stream.error else command.data)
            work.is_behind = False
        if not chunk:
            return
    await _read_tail(work, answer)


async def _read_tail(work: Work, answer: ModelAnswer) -> None:
    """What follows the end, so that the connection can be used again."""
    try:
        async with asyncio.timeout(TAIL_S):
            while len(work.tail) < LARGEST_TAIL:
                chunk = await answer.read()
                for command in work.stream.feed(chunk) if chunk else work.stream.finish():
                    work.tail += command.data if isinstance(command, Forward) else b""
                if not chunk:
                    return
    except (TimeoutError, UnavailableError):
        pass
    work.stream.finish()
