"""Between the state in memory and the rows on disk.

A unit's rows are the rows that it touched, as they are after it: absolute values, so the last one of a batch wins and writing
one twice changes nothing. Documents are msgspec JSON of the model's own types; reading is strict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeVar, assert_never

import apsw
import msgspec

from ringfence.adapters.stores.sqlite import sql
from ringfence.core.definitions.pins import Pin
from ringfence.core.ledger.moves import held_of
from ringfence.core.model.handoff import Handoff
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.label import Label, agent_place
from ringfence.core.model.meter import OF_VALUES, Meter, MeterKind
from ringfence.core.model.operator import Operator
from ringfence.core.model.pause import Pause, forgotten
from ringfence.core.model.run import Credential, Run
from ringfence.core.model.stop import Stop
from ringfence.core.model.ticket import Ticket
from ringfence.core.records.retention import prunable
from ringfence.core.records.state import Account, Hold, State, raised_by
from ringfence.core.records.unit import (
    AddStop,
    AddTicket,
    AddWords,
    CastVote,
    CloseRun,
    ExtendRun,
    JoinLabel,
    JoinPlace,
    LiftStop,
    LowerLabel,
    LowerPlace,
    MoveTicket,
    OpenRun,
    Prune,
    PutCredential,
    PutHandoff,
    PutOperator,
    PutPin,
    Raise,
    Release,
    RemoveOperator,
    Reserve,
    Settle,
    Unit,
)
from ringfence.errors import IntegrityError, UnavailableError

Key = tuple[str, str]
"""Table and id."""
Row = tuple[str, str, bytes | None]
"""Table, id and `[id,doc]` as JSON; None: the row is gone."""

_encode = msgspec.json.Encoder().encode
Value = TypeVar("Value")


def touched(state: State, unit: Unit) -> list[Key]:
    """The rows that a unit will change, found before it is applied.

    Raises: UnavailableError where a value of the unit cannot be written: better found before the state has changed.
    """
    keys: list[Key] = []
    for change in unit.changes:
        match change:
            case Reserve(call=call, caps=caps, charges=charges, brings=brings):
                keys.append(("holds", call))
                if brings is not None:
                    keys.extend(raised_by(state, caps[0][0], brings))
                keys.extend(("accounts", run) for run, _ in caps)
                keys.extend(("meters", charge.meter) for charge in charges)
            case Settle(call=call) | Release(call=call):
                keys.append(("holds", call))
                if (hold := state.holds.get(call)) is not None:
                    keys.extend(("accounts", run) for run in hold.runs)
                    keys.extend(("meters", charge.meter) for charge in hold.charges)
            case OpenRun(run=run, credential=credential):
                keys.append(("runs", run.id))
                keys.append(("labels", agent_place(run.agent)))
                if credential is not None:
                    keys.append(("credentials", credential.hash))
            case CloseRun(run=run_id):
                keys.append(("runs", run_id))
                keys.extend(("credentials", hashed) for hashed in state.run_credentials.get(run_id, ()))
            case PutCredential(credential=credential):
                keys.append(("credentials", credential.hash))
            case ExtendRun(run=run_id, credential_hash=hashed):
                keys.append(("runs", run_id))
                keys.append(("credentials", hashed))
            case Raise(run=run_id, kind=kind, caps=caps):
                keys.append(("accounts", run_id) if kind is None else ("meters", caps[0][0]))
            case Prune(at=at):
                keys.extend(prunable(state, at))
            case AddTicket(ticket=ticket):
                keys.append(("tickets", ticket.id))
            case CastVote(ticket=ticket_id) | MoveTicket(ticket=ticket_id):
                keys.append(("tickets", ticket_id))
            case AddStop(stop=stop):
                keys.append(("stops", stop.id))
            case LiftStop(stop_id=stop_id):
                keys.append(("stops", stop_id))
                keys.append(("pauses", stop_id))
                keys.extend(("pauses", pause) for pause in forgotten(state.pauses))
            case PutOperator(operator=operator):
                keys.append(("operators", operator.name))
            case RemoveOperator(name=name):
                keys.append(("operators", name))
            case PutPin(pin=pin):
                keys.append(("pins", pin.id))
            case JoinLabel(run=run_id, label=label):
                keys.extend(raised_by(state, run_id, label))
            case LowerLabel(run=run_id) | AddWords(run=run_id):
                keys.append(("runs", run_id))
            case JoinPlace(place=place) | LowerPlace(place=place):
                keys.append(("labels", place))
            case PutHandoff(handoff=handoff):
                keys.append(("handoffs", handoff.run))
            case _:
                assert_never(change)
    try:
        _encode(unit.changes)
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise UnavailableError(f"the unit cannot be written: {error}") from error
    return keys


def rows(state: State, keys: list[Key]) -> list[Row]:
    """The rows as they are now."""
    result: list[Row] = []
    for table, key in keys:
        value = getattr(state, table).get(key)
        result.append((table, key, None if value is None else _encode((key, value))))
    return result


def load_state(db: apsw.Connection) -> State:
    """The state that the tables hold, in one read transaction.

    Raises: IntegrityError where a row cannot be read as what it claims to be, or the ledger does not add up.
    """
    state = State()
    db.execute("begin")
    try:
        for run in _load(db, "runs", Run, "id"):
            state.put_run(run)
        for credential in _load(db, "credentials", Credential, "hash"):
            state.keep(credential)
        state.accounts.update((RunId(run), _decode("accounts", run, doc, Account)) for run, doc in _documents(db, "accounts"))
        state.holds.update((hold.call, hold) for hold in _load(db, "holds", Hold, "call"))
        for key, doc in _documents(db, "meters"):
            state.put_meter(key, _decode("meters", key, doc, Meter))
        # In the order of addition, which decides between tickets of the same millisecond.
        for ticket in _load(db, "tickets", Ticket, "id"):
            state.index(ticket)
        stops = sorted(_load(db, "stops", Stop, "id"), key=lambda stop: (stop.at, stop.id))
        state.stops.update((stop.id, stop) for stop in stops)
        pauses = sorted(_load(db, "pauses", Pause, "id"), key=lambda pause: (pause.until, pause.id))
        state.pauses.update((pause.id, pause) for pause in pauses)
        state.operators.update((operator.name, operator) for operator in _load(db, "operators", Operator, "name"))
        state.pins.update((pin.id, pin) for pin in _load(db, "pins", Pin, "id"))
        state.labels.update((place, _decode("labels", place, doc, Label)) for place, doc in _documents(db, "labels"))
        for handoff in _load(db, "handoffs", Handoff, "run"):
            state.put_handoff(handoff)
    finally:
        db.execute("rollback")
    _check_ledger(state)
    return state


def load_runs(db: apsw.Connection) -> list[tuple[Run, list[Credential]]]:
    """Every run with its credentials, and nothing else of the state. Raises: IntegrityError as `load_state`."""
    held: dict[RunId, list[Credential]] = {}
    for credential in _load(db, "credentials", Credential, "hash"):
        held.setdefault(credential.run, []).append(credential)
    return [(run, held.get(run.id, [])) for run in _load(db, "runs", Run, "id")]


def decode_stop(doc: bytes) -> Stop:
    """One stop, strictly. Raises IntegrityError."""
    return _decode("stops", "of the emergency slot", doc, Stop)


def encode_stop(stop: Stop) -> bytes:
    return _encode(stop)


def _documents(db: apsw.Connection, table: str) -> list[tuple[str, str]]:
    return list(db.execute(sql.rows_of(table)))


def _load(db: apsw.Connection, table: str, kind: type[Value], own: str) -> Iterator[Value]:
    for key, doc in _documents(db, table):
        value = _decode(table, key, doc, kind)
        if getattr(value, own) != key:
            raise IntegrityError(f"row {key} of table {table} says that it is {getattr(value, own)}")
        yield value


def _decode(table: str, key: str, doc: str | bytes, kind: type[Value]) -> Value:
    try:
        value = msgspec.json.decode(doc, type=kind)
        members = msgspec.json.decode(doc, type=dict[str, Any]).keys()
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        raise IntegrityError(f"row {key} of table {table} cannot be read: {error}") from error
    if unknown := members - kind.__annotations__.keys():
        raise IntegrityError(f"row {key} of table {table} has unknown members {sorted(unknown)}")
    return value


def _check_ledger(state: State) -> None:
    held = Counter(run for hold in state.holds.values() if hold.counts for run in hold.runs)
    for run, account in state.accounts.items():
        if account.held != held.pop(run, 0) or account.spent < 0:
            raise IntegrityError(f"the account of run {run} does not agree with its open holds")
    if held:
        raise IntegrityError(f"open holds of runs without an account: {sorted(held)[:5]}")
    _check_meters(state)


def _check_meters(state: State) -> None:
    held: Counter[str] = Counter()
    for hold in state.holds.values():
        for charge in hold.charges:
            if charge.kind is not MeterKind.RATE:
                held[charge.meter] += len(charge.values) if charge.kind in OF_VALUES else charge.amount
    for key, meter in state.meters.items():
        if held_of(meter) != held.pop(key, 0):
            raise IntegrityError(f"meter {key} does not agree with the open holds")
    if +held:
        raise IntegrityError(f"open holds of meters that are not there: {sorted(held)[:5]}")
