"""The leaves of a unit at their place in the log, within the limit. Every store writes the same bytes."""

from collections.abc import Callable
from dataclasses import replace

from ringfence.core.records.entry import ENTRY_LIMIT, Entry
from ringfence.core.records.unit import AddStop, Unit
from ringfence.errors import Error, UnavailableError


def has_stop(unit: Unit) -> bool:
    """Whether a unit carries an `AddStop`, so that it may never be turned away."""
    return any(type(change) is AddStop for change in unit.changes)


Salt = Callable[[], str]
"""Gives each entry its salt: hexadecimal, fresh and unguessable, or empty for none."""


def unsalted() -> str:
    """No salt: for logs whose bodies are never dropped, and for tests that compare bytes."""
    return ""


def leaves_of(unit: Unit, first_seq: int, salt: Salt = unsalted) -> tuple[bytes, ...]:
    """The canonical bytes of a unit's entries, the first at `first_seq`.

    Raises: UnavailableError for an entry over `ENTRY_LIMIT` or without canonical bytes. A stop's entry is never the reason
    to turn the stop away: its body is left out instead, and says so.
    """
    return tuple(_leaf(entry, first_seq + place, unit, salt()) for place, entry in enumerate(unit.entries))


def _leaf(entry: Entry, seq: int, unit: Unit, salt: str) -> bytes:
    try:
        leaf = entry.leaf(seq, salt)
    except (Error, TypeError, ValueError, RecursionError) as error:
        if has_stop(unit):
            return _without_body(entry, "not canonical").leaf(seq, salt)
        raise UnavailableError(f"the entry has no canonical bytes: {error}") from error
    if len(leaf) <= ENTRY_LIMIT:
        return leaf
    if has_stop(unit):
        return _without_body(entry, f"{len(leaf)} bytes, the limit is {ENTRY_LIMIT}").leaf(seq, salt)
    raise UnavailableError(f"the entry has {len(leaf)} bytes, the limit is {ENTRY_LIMIT}")


def _without_body(entry: Entry, why: str) -> Entry:
    return replace(entry, body={"omitted": why}, summary=_printable(entry.summary)[:1000])


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
