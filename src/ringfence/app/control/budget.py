"""What is used of every limit, and adding to one run's cap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply, refused
from ringfence.app.control.leaves import entry_view
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import NEEDED_REASON, Field, Kind
from ringfence.app.control.times import iso
from ringfence.core.ledger.charges import micro_units
from ringfence.core.ledger.shortfall import as_amount, is_in_micro
from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.limits import AMOUNT_MOST
from ringfence.core.model.operator import Role
from ringfence.core.records.entry import EntryKind
from ringfence.engine.people.budgets import RAISE, Reading
from ringfence.engine.runs.runs import NotDone
from ringfence.ports.audit import AuditQuery


async def show(asked: Asked) -> Answer:
    run, agent = asked.query.get("run"), asked.query.get("agent")
    if (run is None) == (agent is None):
        return Problem(ProblemCode.MALFORMED, "say whose budget: either `run` or `agent`")
    await asked.services.catalogue.ensure_listed()
    if run is not None:
        found = await asked.services.budgets.of_run(RunId(run))
        if isinstance(found, NotDone):
            return refused(found)
        of, readings = found
        return Reply({"run": of.id, "agent": of.agent, "meters": [reading_view(reading) for reading in readings]})
    shared = await asked.services.budgets.of_agent(AgentId(str(agent)))
    if isinstance(shared, NotDone):
        return refused(shared)
    return Reply({"run": None, "agent": agent, "meters": [reading_view(reading) for reading in shared]})


async def history(asked: Asked) -> Answer:
    """Every raise, newest first: who, when, which meter, by how much and why."""
    given = asked.query
    records = await asked.services.log.query(
        AuditQuery(
            agent=given.get("agent"),
            run=given.get("run"),
            kind=EntryKind.CONTROL.value,
            decision=RAISE,
            limit=max(1, given.get("limit", 100)),
        )
    )
    return Reply({"raises": [_raise_view(entry_view(record)) for record in records]})


async def raise_cap(asked: Asked) -> Answer:
    meter = asked.body.get("meter", "calls")
    by = _amount(asked.body["by"], in_micro=is_in_micro(meter))
    if by is None:
        expected = f"expected a number such as `50`, above 0 and at most {AMOUNT_MOST}, with decimals for sums and money only"
        return Problem(ProblemCode.MALFORMED, f"`by`: {expected}, found `{asked.body['by']}`")
    await asked.services.catalogue.ensure_listed()
    raised = await asked.services.budgets.raise_cap(
        RunId(asked.body["run"]), meter, by, operator=asked.who, reason=asked.body["reason"]
    )
    if isinstance(raised, NotDone):
        return refused(raised)
    return Reply({"run": asked.body["run"], "meter": reading_view(raised.reading), "entry": raised.entry})


def reading_view(reading: Reading) -> dict[str, Any]:
    """One meter as JSON. Of a sum and of money, what people count in, as decimal text."""
    in_micro = is_in_micro(reading.kind)

    def shown(value: int) -> int | str:
        return as_amount(value) if in_micro else value

    return {
        "meter": reading.meter,
        "kind": reading.kind,
        "used": shown(reading.used),
        "held": shown(reading.held),
        "cap": shown(reading.cap),
        "added": shown(reading.added),
        "left": shown(max(0, reading.cap - reading.used)),
        "window_s": reading.window_s or None,
        "frees_at": iso(reading.frees_at),
    }


def _raise_view(entry: Mapping[str, Any]) -> dict[str, Any]:
    body: Mapping[str, Any] = entry["body"]
    return {
        "entry": entry["id"],
        "time": entry["time"],
        "run": entry.get("run"),
        "agent": entry.get("agent"),
        "meter": body.get("meter"),
        "by": body.get("by"),
        "who": entry.get("by"),
        "reason": body.get("reason"),
    }


def _amount(text: str, *, in_micro: bool) -> int | None:
    micro = micro_units(text.removeprefix("+"))
    if not micro:
        return None
    if in_micro:
        return micro
    return None if micro % 1_000_000 else micro // 1_000_000


ROUTES = (
    Route(
        method="GET",
        path="/budget",
        handler=show,
        summary="Every meter of a run with those above it, or every meter that an agent's runs share.",
        query=(Field("run", "An open run.", most=80), Field("agent", "A configured agent.", most=200)),
        answer="`meters`, each with `used` (held and spent), `held`, `cap`, `left`, `window_s` and `frees_at`.",
    ),
    Route(
        method="GET",
        path="/budget/history",
        handler=history,
        summary="Caps that were raised, newest first.",
        query=(
            Field("run", "Of one run.", most=80),
            Field("agent", "Of one agent's runs.", most=200),
            Field("limit", "At most so many.", kind=Kind.INTEGER, most=1000),
        ),
        answer="`raises`, each with `time`, `run`, `agent`, `meter`, `by`, `who`, `reason` and the log's `entry`.",
    ),
    Route(
        method="POST",
        path="/budget/raise",
        handler=raise_cap,
        role=Role.APPROVER,
        summary="Add to a cap of one run, for as long as it lives. Never more than the runs above it have left.",
        body=(
            Field("run", "An open run.", required=True, most=80),
            Field(
                "meter",
                "`calls` (where absent), `rows`, `spend`, `tokens`, `tokens_in`, `tokens_out`, `model_calls`, "
                "or the name of one of the run's own meters.",
                most=300,
            ),
            Field("by", "By how much: a number such as `50`, as text.", required=True, most=40),
            NEEDED_REASON,
        ),
        answer="The `meter` as it stands now, and the log's `entry`.",
    ),
)
