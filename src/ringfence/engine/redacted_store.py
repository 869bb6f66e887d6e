"""A store whose entries hold none of the gateway's own secrets, whoever wrote them.

This stands under every part of the engine, so that no entry finds another way into the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from ringfence.core.entry import Entry
from ringfence.core.scan.redactor import Redactor
from ringfence.core.unit import Conflict, Unit
from ringfence.ports.store import Receipt, Store


class _RedactedStore:
    """Everything but `record` is the store's own."""

    def __init__(self, store: Store, redactor: Redactor) -> None:
        self._store = store
        self._redactor = redactor

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            # The next look-up finds it at once.
            self.__dict__[name] = found
        return found

    async def record(self, unit: Unit) -> Receipt | Conflict:
        if self._redactor and unit.entries:
            entries = tuple(self._entry(entry) for entry in unit.entries)
            if any(new is not old for new, old in zip(entries, unit.entries, strict=True)):
                unit = replace(unit, entries=entries)
        return await self._store.record(unit)

    def _entry(self, entry: Entry) -> Entry:
        summary, body = self._redactor.text(entry.summary), cast("Mapping[str, Any]", self._redactor.value(entry.body))
        return entry if summary == entry.summary and body is entry.body else replace(entry, summary=summary, body=body)


def redacted(store: Store, redactor: Redactor) -> Store:
    """The store, with entries masked as they are recorded."""
    return cast(Store, _RedactedStore(store, redactor))
