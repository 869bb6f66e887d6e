"""What one call costs on which meters, as the operator's limits say.

`plan_of` is read once for a tool of an agent, `charges_of` for each call. A call that no limit speaks of has no plan, so it
costs nothing to have none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from ringfence.core.ledger.model_caps import ModelPlan, model_charges, model_plan_of
from ringfence.core.model.call import Call
from ringfence.core.model.condition import at_pointer, is_absent
from ringfence.core.model.facts import Link
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.label import at_least
from ringfence.core.model.limits import (
    AMOUNT_MOST,
    MICRO,
    DistinctCap,
    Freeze,
    Leaving,
    LeavingCap,
    Loops,
    RowCount,
    SumCap,
    UseLimits,
)
from ringfence.core.model.local import LOCAL, Judgement
from ringfence.core.model.meter import Charge, MeterKind
from ringfence.core.model.model_use import MODEL, NOTHING_USED, ModelUse
from ringfence.core.model.profile import Sensitivity
from ringfence.core.rules import AgentRule, Rules, ToolRule
from ringfence.core.strict_json.canonical import canonical_bytes

_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_MOST_VALUES = 1000
"""Items of one list that are counted as values of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What calls of one tool by one agent are charged to."""

    tool: str
    agent: AgentId
    always: tuple[Charge, ...] = ()
    """Rates and calls under way: the same for each call."""
    sums: tuple[SumCap, ...] = ()
    distinct: tuple[DistinctCap, ...] = ()
    rows: RowCount | None = None
    """None: no agent has a cap on rows."""
    freezes: tuple[Freeze, ...] = ()
    loops: Loops | None = None
    leaving: tuple[tuple[str, str, LeavingCap], ...] = ()
    """What may leave besides what the runs' own limits say: whose meter a window has, and of what."""
    weighed_since: Sensitivity | None = None
    """The least confidentiality from which on what leaves is counted by any cap; None: there is none."""

    model: ModelPlan | None = None
    """Of requests to models, which are charged to nothing else."""

    counts_actions: bool = False
    """Some agent stops at a number of actions."""
    counts_files: bool = False
    """Of a tool of the agent's own client, where some agent has a cap on files or lines."""

    def weighs(self, given: Sensitivity) -> bool:
        """Whether a call counts towards what leaves, should it leave, by a run that was given such data."""
        return self.weighed_since is not None and at_least(given, self.weighed_since)


def plan_of(rules: Rules, agent: AgentRule, tool: ToolRule) -> Plan | None:
    """None where no limit but those of runs speaks of such a call."""
    counts_actions = any(known.limits.stop_when.actions is not None for known in rules.agents.values())
    if tool.server == MODEL:
        model = model_plan_of(rules, agent)
        if model is None and not counts_actions:
            return None
        return Plan(tool=tool.id, agent=agent.id, model=model, counts_actions=counts_actions)
    counts_files = tool.server == LOCAL and any(
        known.limits.files is not None or known.limits.lines is not None for known in rules.agents.values()
    )
    own = tool.limits
    server = rules.servers[tool.server].limits if tool.server in rules.servers else UseLimits()
    always = (
        *_always("gateway", rules.limits, "all"),
        *_always(f"agent/{agent.id}", UseLimits(rate=agent.limits.rate, concurrent=agent.limits.concurrent), "all"),
        *_always(f"server/{tool.server}", server, "all"),
        # A rate is each agent's own, so that no agent can use up another's; how much at once protects the tool from all.
        *_always(f"agent/{agent.id}", UseLimits(rate=own.rate), tool.id),
        *_always(f"tool/{tool.id}", UseLimits(concurrent=own.concurrent), "all"),
    )
    has_rows = any(known.limits.rows_per_run is not None for known in rules.agents.values())
    rows = own.rows if has_rows else None
    freezes = (*rules.limits.freezes, *agent.limits.freezes, *own.freezes)
    loops = None if own.polling else agent.limits.loops or rules.loops
    leaving = (
        *(("gateway", "gateway/", cap) for cap in rules.limits.leaving),
        *((f"agent/{agent.id}", "", cap) for cap in agent.limits.leaving if cap.window_ms),
        *((f"server/{tool.server}", f"server/{tool.server}/", cap) for cap in server.leaving),
        *((f"tool/{tool.id}", f"tool/{tool.id}/", cap) for cap in own.leaving),
    )
    of_runs = tuple(cap for known in rules.agents.values() for cap in known.limits.leaving if not cap.window_ms)
    weighed_since = _least(cap.since for cap in (*of_runs, *(cap for _, _, cap in leaving)))
    if not (always or own.sums or own.distinct or rows or freezes or loops or weighed_since or counts_actions or counts_files):
        return None
    return Plan(
        tool=tool.id,
        agent=agent.id,
        always=always,
        sums=own.sums,
        distinct=own.distinct,
        rows=rows,
        freezes=freezes,
        loops=loops,
        leaving=leaving,
        weighed_since=weighed_since,
        counts_actions=counts_actions,
        counts_files=counts_files,
    )


def charges_of(
    plan: Plan,
    call: Call,
    chain: Sequence[Link],
    leaving: Leaving | None = None,
    given: Sensitivity = Sensitivity.PUBLIC,
    use: ModelUse | None = None,
    local: Judgement | None = None,
) -> tuple[tuple[Charge, ...], tuple[str, ...]]:
    """The charges of one call, each on a meter of its own, and what of it cannot be counted, for people.

    `leaving`: what goes outside with it; None: nothing does. `given`: how confidential the data is that the run was given.
    `use`: what a request to a model uses at most; without it such a request cannot be counted. `local`: what a call of the
    client's own tool would do.
    """
    charges = list(plan.always)
    faults: list[str] = []
    for cap in plan.sums:
        amount = _amount(call.value, cap)
        if isinstance(amount, str):
            faults.append(amount)
        else:
            charges.extend(_sum(cap, plan, chain, amount))
    for distinct in plan.distinct:
        values = _values(call.value, distinct.pointer)
        if len(values) > _MOST_VALUES:
            faults.append(f"{distinct.pointer} has more than {_MOST_VALUES} values")
        else:
            charges.extend(_distinct(distinct, plan, chain, values))
    charges.extend(_rows(plan, chain))
    if leaving is not None:
        charges.extend(_leaving(plan, chain, leaving, given))
    if plan.counts_actions:
        charges.extend(_actions(chain, 1 if use is None else use.calls))
    if plan.counts_files and local is not None:
        if len(local.files) > _MOST_VALUES:
            faults.append(f"it changes more than {_MOST_VALUES} files")
        else:
            charges.extend(_files(chain, local.files, local.lines))
    if plan.model is not None:
        if use is None:
            faults.append("nothing bounds what the request may use")
        else:
            charges.extend(model_charges(plan.model, chain, use))
    return tuple(charges), tuple(faults)


def meters_of(plan: Plan, chain: Sequence[Link]) -> tuple[Charge, ...]:
    """Every meter that a call may be charged to, with its cap; for showing them."""
    charges = list(plan.always)
    for cap in plan.sums:
        charges.extend(_sum(cap, plan, chain, 0))
    for distinct in plan.distinct:
        charges.extend(_distinct(distinct, plan, chain, ()))
    charges.extend(_rows(plan, chain))
    charges.extend(_leaving(plan, chain, Leaving(0, 0), Sensitivity.REGULATED))
    if plan.counts_actions:
        charges.extend(_actions(chain, 0))
    if plan.counts_files:
        charges.extend(_files(chain, (), 0))
    if plan.model is not None:
        charges.extend(model_charges(plan.model, chain, NOTHING_USED))
    return tuple(charges)


def rows_meter(run: str) -> str:
    """The meter of the rows that a run with its child runs was given."""
    return f"{MeterKind.ROWS}:run/{run}:all"


def rows_in(result: Mapping[str, Any], count: RowCount) -> int:
    """How many rows a result has. What cannot be found or is no count is one row; nothing is none."""
    if not count.pointer:
        content = result.get("content")
        return len(content) if isinstance(content, list) else 0
    value = at_pointer(result, count.pointer)
    if isinstance(value, list | dict):
        return len(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(value, 0), AMOUNT_MOST)
    return 1


def micro_units(value: Any) -> int | None:
    """An amount in millionths, rounded up where it has more digits; None where it is no amount that can be counted.

    Exact: a JSON number stands for its shortest decimal text, which is what is sent.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        return None
    number = Decimal(value if isinstance(value, str | int) else repr(value))
    if not 0 <= number <= AMOUNT_MOST:
        return None
    return int((number * MICRO).to_integral_value(ROUND_CEILING))


def _always(owner: str, limits: UseLimits, what: str) -> Iterable[Charge]:
    if limits.rate is not None:
        yield Charge(f"{MeterKind.RATE}:{owner}:{what}", MeterKind.RATE, limits.rate.burst, span=limits.rate.interval_us)
    if limits.concurrent is not None:
        yield Charge(f"{MeterKind.OPEN}:{owner}:{what}", MeterKind.OPEN, limits.concurrent)


def _sum(cap: SumCap, plan: Plan, chain: Sequence[Link], amount: int) -> Iterable[Charge]:
    kind, span = MeterKind.SUM, cap.window_ms
    for owner in _owners(span, cap.everybody, plan, chain):
        yield Charge(f"{kind}:{owner}:{plan.tool}{cap.pointer}{_of(span)}", kind, cap.cap, amount, span)


def _distinct(cap: DistinctCap, plan: Plan, chain: Sequence[Link], values: tuple[str, ...]) -> Iterable[Charge]:
    kind, span = MeterKind.DISTINCT, cap.window_ms
    for owner in _owners(span, cap.everybody, plan, chain):
        yield Charge(f"{kind}:{owner}:{plan.tool}{cap.pointer}{_of(span)}", kind, cap.most, 1, span, values)


def _actions(chain: Sequence[Link], amount: int) -> Iterable[Charge]:
    for link in chain:
        if (cap := link.limits.stop_when.actions) is not None:
            yield Charge(f"{MeterKind.ACTIONS}:run/{link.run.id}:all", MeterKind.ACTIONS, cap, amount)


def _files(chain: Sequence[Link], files: tuple[str, ...], lines: int) -> Iterable[Charge]:
    changed = tuple(dict.fromkeys(hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:32] for path in files))
    for link in chain:
        if (most := link.limits.files) is not None:
            yield Charge(f"{MeterKind.FILES}:run/{link.run.id}:all", MeterKind.FILES, most, 1, values=changed)
        if (most := link.limits.lines) is not None:
            yield Charge(f"{MeterKind.LINES}:run/{link.run.id}:all", MeterKind.LINES, most, lines)


def _rows(plan: Plan, chain: Sequence[Link]) -> Iterable[Charge]:
    if plan.rows is not None:
        for link in chain:
            if (cap := link.limits.rows_per_run) is not None:
                yield Charge(rows_meter(link.run.id), MeterKind.ROWS, cap, plan.rows.most)


def _leaving(plan: Plan, chain: Sequence[Link], leaving: Leaving, given: Sensitivity) -> Iterable[Charge]:
    for owner, scope, cap in plan.leaving:
        for whose in [owner] if cap.window_ms else [f"run/{link.run.id}" for link in chain]:
            yield from _left(cap, whose, scope, leaving, given)
    for link in chain:
        for cap in link.limits.leaving:
            if not cap.window_ms:
                yield from _left(cap, f"run/{link.run.id}", "", leaving, given)


def _left(cap: LeavingCap, owner: str, scope: str, leaving: Leaving, given: Sensitivity) -> Iterable[Charge]:
    if not at_least(given, cap.since):
        return
    kind, span = MeterKind.LEAVING, cap.window_ms
    for what, most, amount in (("bytes", cap.bytes, leaving.bytes), ("records", cap.records, leaving.records)):
        if most is not None:
            yield Charge(f"{kind}:{owner}:{scope}{what}{_of(span)}", kind, most, amount, span)


def _least(levels: Iterable[Sensitivity]) -> Sensitivity | None:
    return min(levels, key=list(Sensitivity).index, default=None)


def _owners(window_ms: int, everybody: bool, plan: Plan, chain: Sequence[Link]) -> list[str]:
    """Whose meter it is: without a window that of the run and of every run above it."""
    if not window_ms:
        return [f"run/{link.run.id}" for link in chain]
    return ["gateway" if everybody else f"agent/{plan.agent}"]


def _of(window_ms: int) -> str:
    return f"@{window_ms // 1000}s" if window_ms else ""


def _amount(arguments: Mapping[str, Any], cap: SumCap) -> int | str:
    value = at_pointer(arguments, cap.pointer)
    if is_absent(value):
        return f"{cap.pointer} is missing" if cap.absent is None else cap.absent
    amount = micro_units(value)
    return f"{cap.pointer} is no amount from 0 to {AMOUNT_MOST}" if amount is None else amount


def _values(arguments: Mapping[str, Any], pointer: str) -> tuple[str, ...]:
    """Digests of an argument's values, each once. A missing argument is a value too: the server's own default."""
    value = at_pointer(arguments, pointer)
    if is_absent(value):
        return ("absent",)
    items = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(hashlib.sha256(canonical_bytes(item)).hexdigest()[:32] for item in items))
