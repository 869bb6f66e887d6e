"""What was noted of each run's tools: uses and results that are in the log, and calls of the gateway's own. In memory, bounded.

What is dropped here is read from the log again when the run comes back, so nothing of it is recorded twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ringfence.core.explaining.plain_text import plain
from ringfence.core.mcp.client_meta import ClientMeta
from ringfence.core.metering.observed import ToolUse, digest_or_none, result_key, use_key
from ringfence.core.model.call import Call
from ringfence.core.model.identifiers import RunId
from ringfence.core.observing.acts import LONGEST_SHOWN, OwnCall, told_in
from ringfence.ports.clock import Clock

MOST_OF_RUN: Final = 20_000
"""Uses and results of one run. Beyond them only what raises its label is recorded."""
MOST_OF_ALL: Final = 100_000
"""What is kept of all runs together. Those that were heard of least lately are forgotten first, and read again from the log."""
_TRIMMED_AFTER: Final = 200
"""How often runs are heard of between two looks at how much there is, at least."""
MOST_SHOWN: Final = 500
MOST_CALLS: Final = 1_000
"""Calls of one run that are remembered for joining them with what its client tells of them."""


class RunNotes:
    """Of one run. A container of keys (`core.metering.observed`), as the reader of requests takes it."""

    def __init__(self) -> None:
        self._uses: dict[str, ToolUse] = {}
        self._results: set[str] = set()
        self._shown: set[str] = set()
        """Prompts and lists of tools that were looked at."""
        self._calls: OrderedDict[str, OwnCall] = OrderedDict()
        """By the use that they name."""
        self._unnamed: OrderedDict[str, list[OwnCall]] = OrderedDict()
        """Those that name none, by the digest of their arguments."""
        self.is_loaded = False
        """Whether what the log has of it is here."""

    def __contains__(self, key: object) -> bool:
        return key in self._uses or key in self._results or key in self._shown

    def __len__(self) -> int:
        return len(self._uses) + len(self._results)

    @property
    def weight(self) -> int:
        """How much is kept, in things of about the same size."""
        return 1 + len(self) + len(self._shown) + len(self._calls) + sum(len(calls) for calls in self._unnamed.values())

    @property
    def has_room(self) -> bool:
        return len(self) < MOST_OF_RUN

    def note(self, uses: Iterable[ToolUse], results: Iterable[str]) -> None:
        """These are in the log. `results`: ids of the uses that they belong to."""
        for use in uses:
            known = self._uses.setdefault(use_key(use.id), use)
            if plain(known.name, LONGEST_SHOWN) != plain(use.name, LONGEST_SHOWN):
                # A server that counts its ids anew in each answer: what comes under this one now is of another tool.
                self._uses[use_key(use.id)] = use
                self._results.discard(result_key(use.id))
        self._results.update(result_key(id) for id in results)

    def note_shown(self, keys: Iterable[str]) -> None:
        """These prompts and lists of tools were looked at in this run."""
        if len(self._shown) > MOST_SHOWN:
            self._shown.clear()
        self._shown.update(keys)

    def forget(self, uses: Iterable[str], results: Iterable[str]) -> None:
        """They could not be recorded after all."""
        for id in uses:
            self._uses.pop(use_key(id), None)
        self._results.difference_update(result_key(id) for id in results)

    def note_again(self, leaf: Any) -> None:
        """What an entry of the log tells of this run."""
        told = told_in(leaf)
        self.note(told.uses, told.results)
        if told.call is not None:
            self.note_call(told.call, "")

    def use_of(self, id: str) -> ToolUse | None:
        return self._uses.get(use_key(id))

    def note_call(self, call: OwnCall, arguments: str) -> None:
        """A call came in by the gateway's own way. `arguments`: their digest, where it names no tool use."""
        if call.use:
            self._calls[call.use] = call
            if len(self._calls) > MOST_CALLS:
                self._calls.popitem(last=False)
            return
        self._unnamed.setdefault(arguments, []).append(call)
        self._unnamed.move_to_end(arguments)
        if len(self._unnamed) > MOST_CALLS or len(self._unnamed[arguments]) > MOST_CALLS:
            self._unnamed.popitem(last=False)

    def is_named(self, use: ToolUse) -> bool:
        """Whether the entry of a call of the gateway's own names this use, so that nothing else has to tell of it."""
        call = self._calls.get(use.id)
        return call is not None and call.is_for(use)

    def call_of(self, use: ToolUse) -> str:
        """The call of the gateway's own that a use became and that names none; each is one use. Empty: there is none."""
        waiting = self._unnamed.get(use.arguments or "", [])
        found = next((call for call in waiting if call.is_for(use)), None)
        if found is None:
            return ""
        waiting.remove(found)
        if not waiting:
            del self._unnamed[use.arguments or ""]
        return found.id


class Noted:
    """Of all runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.since = clock.now()
        """Runs that were opened up to then may have more in the log than is known here."""
        self._runs: OrderedDict[RunId, RunNotes] = OrderedDict()
        self._left = _TRIMMED_AFTER

    def of(self, run: RunId) -> RunNotes:
        """Those of a run, which was heard of now."""
        known = self._runs.get(run)
        if known is None:
            known = self._runs[run] = RunNotes()
        self._runs.move_to_end(run)
        self._left -= 1
        if not self._left:
            self._trim()
            self._left = max(_TRIMMED_AFTER, len(self._runs))
        return known

    def called(self, call: Call, meta: ClientMeta, arguments: Mapping[str, Any]) -> None:
        """A call came in by the gateway's own way, with these arguments as its client wrote them."""
        own = OwnCall(call.id, call.tool, call.upstream_name, meta.tool_use)
        self.of(call.run).note_call(own, "" if own.use else digest_or_none(dict(arguments)) or "")

    def forget(self, run: RunId) -> None:
        """The run has ended."""
        self._runs.pop(run, None)

    def _trim(self) -> None:
        """Forget runs where there is too much. The one that was heard of last stays."""
        size = sum(notes.weight for notes in self._runs.values())
        while size > MOST_OF_ALL and len(self._runs) > 1:
            _, gone = self._runs.popitem(last=False)
            size -= gone.weight
            self.since = self._clock.now()
