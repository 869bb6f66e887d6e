"""A store whose entries hold none of the gateway's own secrets, whoever wrote them, and no credential that an agent sent.

This stands under every part of the engine, so that no entry finds another way into the log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import ScanError, Scanner
from ringfence.ports.store import Receipt, Store

_SENT: Final[Mapping[EntryKind, tuple[str, ...]]] = {
    EntryKind.DECISION: ("arguments", "objects", "local", "said"),
    EntryKind.RUN: ("task", "words", "result_schema"),
    EntryKind.OBSERVED: ("uses", "results", "parts", "changed", "said", "tool", "tool_use", "file", "source"),
}
"""What of a body an agent has written."""


_MASKED: Final = frozenset({Kind.SECRET, Kind.PERSONAL})


class _RedactedStore:
    """Everything but `record` is the store's own."""

    def __init__(self, store: Store, scanner: Scanner) -> None:
        self._store = store
        self._scanner = scanner
        self._redactor = scanner.redactor

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            # The next look-up finds it at once.
            self.__dict__[name] = found
        return found

    async def record(self, unit: Unit) -> Receipt | Conflict:
        if unit.entries:
            entries = tuple(self._entry(entry) for entry in unit.entries)
            if any(new is not old for new, old in zip(entries, unit.entries, strict=True)):
                unit = replace(unit, entries=entries)
        return await self._store.record(unit)

    def _entry(self, entry: Entry) -> Entry:
        summary, body = self._redactor.text(entry.summary), cast("Mapping[str, Any]", self._redactor.value(entry.body))
        if entry.kind in _SENT:
            body = self._without_credentials(body, _SENT[entry.kind])
        return entry if summary == entry.summary and body is entry.body else replace(entry, summary=summary, body=body)

    def _without_credentials(self, body: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
        """What an agent sent, less the credentials in it that nobody here knew."""
        sent = {key: body[key] for key in names if body.get(key)}
        if not sent:
            return body
        try:
            personal = self._scanner.in_entries
            seen = self._scanner.see(sent, "", personal=personal, masks=_MASKED)
            if not seen.masks:
                return body
            return {**body, **self._scanner.masked(sent, seen, personal=personal, masks=_MASKED)}
        except ScanError:
            return {**body, **dict.fromkeys(sent, "[masked: could not be scanned]")}


def redacted(store: Store, scanner: Scanner) -> Store:
    """The store, with entries masked as they are recorded."""
    return cast(Store, _RedactedStore(store, scanner))
