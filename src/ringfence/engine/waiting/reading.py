"""Long words, long calls and long results are read beside the event loop, before a call is decided.

A decision is one step of the event loop. What it asks for is parsed once and kept, but the first time costs some four
milliseconds for a kilobyte of words: people may say 100 of those, and an agent may send a call with thousands of values.
"""

from __future__ import annotations

from typing import Final, Protocol

from ringfence.core.beforehand import read_beforehand
from ringfence.core.flow.words.spoken import is_read
from ringfence.core.model.call import Call
from ringfence.core.model.label import Label
from ringfence.core.model.provenance import Flow
from ringfence.core.model.tool import Tool
from ringfence.engine.waiting.threads import Threads
from ringfence.engine.waiting.turns import Turns

LONG: Final = 10_000
"""What is read on the event loop at most, in microseconds as they were measured for the dearest texts, roughly."""
_A_CHARACTER: Final = 4
"""Of new words."""
_A_BYTE: Final = 2
"""Of a call's arguments."""
_BYTES: Final = 4
"""Of results that name records or answer lookups, for one."""


class Read(Protocol):
    """As `core.beforehand.read_beforehand`."""

    def __call__(self, call: Call, tool: Tool, flow: Flow, label: Label, *, weighed: bool) -> None: ...


class Reading:
    """Where it is read."""

    def __init__(self, read: Read = read_beforehand) -> None:
        self._read = read
        self._threads = Threads()
        self._turns = Turns()

    def is_long(self, call: Call, flow: Flow, results: int) -> bool:
        """Whether it takes long to see where a call's values come from. `results`: bytes of those that nobody has read yet."""
        new = sum(len(words.text) for words in flow.words if not is_read(words))
        return new * _A_CHARACTER + len(call.arguments) * _A_BYTE + results // _BYTES > LONG

    async def read(self, call: Call, tool: Tool, flow: Flow, label: Label, *, weighed: bool) -> None:
        """Read all of it, in a thread; one call of a run at a time, so that no run takes every place."""
        async with self._turns.of(call.run):
            await self._threads.run(lambda: self._read(call, tool, flow, label, weighed=weighed))
