"""What the state may forget. The log keeps everything; the state keeps what a decision may still need.

| what | kept |
|---|---|
| a run that was closed or has expired, with its account, meters and credentials | a day, and at most `MOST_RUNS` of them |
| a ticket that was used, denied, withdrawn or has expired | until it cannot count, then a day, at most `MOST_TICKETS` |
| a credential that is revoked or has expired, of a run that goes on | a day after it expired |
| a meter with nothing in its window | not at all |
| a pause that is over | while a run that it may have paused is known, at most `core.model.pause.MOST_PAUSES` |
| the run of somebody outside, however it ended | until an operator lets them in again: their next token must not open another |

A run stays while a run below it stays, while a call of it is under way, while a ticket of it is live, and while the run that it
has handed a result to goes on. What goes at once is
bounded, so that no moment is long; the rest goes the next time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Protocol

from ringfence.core.approvals.approval import LIVE
from ringfence.core.ledger.moves import is_idle, is_of_run, run_of
from ringfence.core.model.handoff import Handoff
from ringfence.core.model.identifiers import CallId, Millis, RunId, TicketId
from ringfence.core.model.meter import Meter
from ringfence.core.model.pause import Pause
from ringfence.core.model.run import OUTSIDE, Credential, Run, RunState
from ringfence.core.model.ticket import Ticket

KEPT_MS = 24 * 3600 * 1000
MOST_RUNS = 10_000
MOST_TICKETS = 5_000
AT_ONCE = 500
"""Runs, tickets, credentials and meters, of each so many."""


class Held(Protocol):
    """An allowed call without an outcome."""

    @property
    def runs(self) -> tuple[RunId, ...]: ...


class Kept(Protocol):
    """The part of the state that may shrink (`core.records.state.State`)."""

    @property
    def runs(self) -> Mapping[RunId, Run]: ...
    @property
    def accounts(self) -> Mapping[RunId, object]: ...
    @property
    def credentials(self) -> Mapping[str, Credential]: ...
    @property
    def holds(self) -> Mapping[CallId, Held]: ...
    @property
    def meters(self) -> Mapping[str, Meter]: ...
    @property
    def tickets(self) -> Mapping[TicketId, Ticket]: ...
    @property
    def live_tickets(self) -> Mapping[RunId, Collection[TicketId]]: ...
    @property
    def run_credentials(self) -> Mapping[RunId, Collection[str]]: ...
    @property
    def handoffs(self) -> Mapping[RunId, Handoff]: ...
    @property
    def pauses(self) -> Mapping[str, Pause]: ...
    @property
    def run_meters(self) -> Mapping[RunId, Collection[str]]: ...


def prunable(state: Kept, now: Millis) -> list[tuple[str, str]]:
    """Rows that may be forgotten, as (table, id). Pure: the same state and moment give the same rows."""
    rows: list[tuple[str, str]] = []
    gone = set(_runs(state, now))
    for run in gone:
        rows.append(("runs", run))
        if run in state.accounts:
            rows.append(("accounts", run))
        rows.extend(("credentials", hashed) for hashed in sorted(state.run_credentials.get(run, ())))
        rows.extend(("meters", key) for key in sorted(state.run_meters.get(run, ())))
        if run in state.handoffs:
            rows.append(("handoffs", run))
    rows.extend(("tickets", ticket.id) for ticket in _tickets(state, now))
    dead = (c for c in state.credentials.values() if c.run not in gone and _is_dead(c, now))
    rows.extend(("credentials", credential.hash) for credential in islice(dead, AT_ONCE))
    idle = (
        key
        for key, meter in state.meters.items()
        if is_idle(meter, now) and not (is_of_run(key) and RunId(run_of(key)) in gone)
    )
    rows.extend(("meters", key) for key in islice(idle, AT_ONCE))
    if state.pauses:
        oldest = min((run.opened_at for run in state.runs.values()), default=now)
        over = (pause.id for pause in state.pauses.values() if pause.until <= oldest)
        rows.extend(("pauses", pause) for pause in islice(over, AT_ONCE))
    return rows


def ended_at(run: Run) -> Millis | None:
    """When a run ended; None: it goes on, as far as its record tells."""
    if run.state is RunState.CLOSED:
        return run.closed_at if run.closed_at is not None else run.opened_at
    return run.expires_at


def _runs(state: Kept, now: Millis) -> Iterator[RunId]:
    ended = [
        (end, run.id)
        for run in state.runs.values()
        if (end := ended_at(run)) is not None and end <= now and not _is_somebodys(state, run.id)
    ]
    over = max(0, len(ended) - MOST_RUNS)
    if not over and not any(end + KEPT_MS <= now for end, _ in ended):
        return  # the common case, and sorting is what would take long
    ended.sort()
    due = [run for place, (end, run) in enumerate(ended) if end + KEPT_MS <= now or place < over][:AT_ONCE]
    candidates = set(due)
    kept: set[RunId] = {run for hold in state.holds.values() for run in hold.runs}
    kept.update(run for run in candidates if run in state.live_tickets)
    kept.update(run for run in candidates if run in state.handoffs and _goes_on(state, state.handoffs[run].parent, now))
    for run in state.runs.values():
        if run.id not in candidates or run.id in kept:
            kept.update(run.ancestors)
    yield from (run for run in due if run not in kept)


def _goes_on(state: Kept, run: RunId, now: Millis) -> bool:
    known = state.runs.get(run)
    end = ended_at(known) if known is not None else now
    return end is None or end > now


def _is_somebodys(state: Kept, run: RunId) -> bool:
    return any(hashed.startswith(OUTSIDE) for hashed in state.run_credentials.get(run, ()))


def _tickets(state: Kept, now: Millis) -> Iterator[Ticket]:
    closed = [ticket for ticket in state.tickets.values() if ticket.state not in LIVE]
    if not closed:
        return
    # A denial stands until the ticket would have expired, so it is never forgotten earlier.
    closed.sort(key=lambda ticket: (ticket.closed_at or ticket.expires_at, ticket.id))
    over = max(0, len(closed) - MOST_TICKETS)
    found = (
        ticket
        for place, ticket in enumerate(closed)
        if ticket.expires_at <= now and (place < over or max(ticket.closed_at or 0, ticket.expires_at) + KEPT_MS <= now)
    )
    yield from islice(found, AT_ONCE)


def _is_dead(credential: Credential, now: Millis) -> bool:
    return credential.expires_at is not None and credential.expires_at + KEPT_MS <= now
