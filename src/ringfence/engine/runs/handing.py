"""What `ringfence__handoff` does, and what it answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.handoff import Handing, Handoff
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.run import Run, RunState
from ringfence.core.own_tools.handoff import HandOver, Take, asked_in, handed_over, sha256_of
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import PutHandoff
from ringfence.ports.store import Store

_NOTHING: Final = Handing()


@dataclass(frozen=True, slots=True)
class Handed:
    """What an allowed call comes to: recorded with its decision, answered once that is on the disk."""

    answer: dict[str, Any]
    """An MCP tool result."""
    brings: Label = CLEAN
    """What the run is given with the answer."""
    changes: tuple[PutHandoff, ...] = ()
    entries: tuple[Entry, ...] = ()


async def handing_of(call: Call, store: Store) -> Handing:
    """What a decision about such a call has to know."""
    asked = asked_in(call.value)
    expects = await store.expects(call.run)
    if isinstance(asked, Take):
        child = await store.run(asked.child)
        return Handing(expects=expects, child=child, given=await store.handoff(child.id) if child is not None else None)
    return Handing(expects=expects, handed=await store.handoff(call.run))


def carried_out(call: Call, facts: Facts) -> Handed:
    """What a call that was allowed does. Pure: everything that it reads was read for the decision."""
    asked, handing, run = asked_in(call.value), facts.handing or _NOTHING, facts.chain[0].run
    if isinstance(asked, HandOver):
        if handing.handed is not None:
            return Handed(_ack(handing.handed))
        handoff = handed_over(call, facts, asked)
        return Handed(_ack(handoff), changes=(PutHandoff(handoff),), entries=(_handed_entry(handoff, run, facts.now),))
    if isinstance(asked, Take) and handing.child is not None:
        if handing.given is None:
            return Handed(_shown({"from": handing.child.id, "handed": False, "run": _state_of(handing.child, facts.now)}))
        return _taken(handing.given, run, facts)
    return Handed(_shown({"schema": json.loads(run.result_schema), "handed": handing.handed is not None}))


def _taken(given: Handoff, run: Run, facts: Facts) -> Handed:
    found = {
        "from": given.run,
        "handed": True,
        "result": json.loads(given.result),
        "label": given.brings.view(),
        "at": given.at,
    }
    return Handed(_shown(found), given.brings, entries=(_taken_entry(given, run, facts.now),))


def _ack(handoff: Handoff) -> dict[str, Any]:
    return _shown({"handed": True, "to": handoff.parent, "bytes": len(handoff.result.encode())})


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(found, ensure_ascii=False)
    return {"content": [{"type": "text", "text": text}], "structuredContent": found, "isError": False}


def _state_of(run: Run, now: Millis) -> str:
    if run.state is not RunState.OPEN:
        return "closed"
    return "expired" if run.expires_at is not None and now >= run.expires_at else "open"


def _handed_entry(handoff: Handoff, run: Run, now: Millis) -> Entry:
    facts = {"to": handoff.parent, "label": handoff.label.view(), "brings": handoff.brings.view()}
    return _entry(handoff, run, now, f"run {run.id} handed its result to run {handoff.parent}", facts)


def _taken_entry(given: Handoff, run: Run, now: Millis) -> Entry:
    after = run.label.joined(given.brings)
    # The decision's entry says that the run's label rises. Here stands from where, and to what.
    labels = {"run_before": run.label.view(), "run_after": after.view()} if after != run.label else {}
    return _entry(given, run, now, f"run {run.id} took the result of run {given.run}", {"from": given.run, **labels})


def _entry(handoff: Handoff, run: Run, now: Millis, summary: str, facts: dict[str, Any]) -> Entry:
    told = {"sha256": sha256_of(handoff), "bytes": len(handoff.result.encode()), "typed": handoff.is_typed}
    return Entry(
        kind=EntryKind.RUN,
        at=now,
        summary=summary,
        run=run.id,
        agent=run.agent,
        by=f"agent:{run.agent}",
        body={"handoff": {**facts, **told}},
    )
