"""The decision, written a second time: slow, plain, no early exits. The fast path has to agree with it."""

from __future__ import annotations

from ringfence.core.model.call import Call
from ringfence.core.model.condition import holds
from ringfence.core.model.facts import Facts
from ringfence.core.model.limits import Freeze
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import Level

GATE_CODES = {"irreversible", "costs_money", "identity", "unbounded"}


def decide_slowly(call: Call, facts: Facts) -> tuple[Level, frozenset[str]]:
    """Level and reason codes (without what a ticket adds)."""
    codes: set[str] = set()
    for stop in facts.stops:
        codes.add({"kill": "killed", "pause": "paused", "disable": "tool_disabled"}[stop.mode.value])
    for link in facts.chain:
        if link.run.state.value == "closed":
            codes.add("run_closed")
        elif link.run.expires_at is not None and not facts.now < link.run.expires_at:
            codes.add("run_expired")
        given = link.run.grant
        if given.until is not None and not facts.now < given.until:
            codes.add("run_expired")
        has_tool = given.tools is None or call.tool in given.tools
        if not link.agent_may or not has_tool:
            codes.add("not_granted")
        if has_tool and any(not holds(condition, call.value) for condition in given.bounds.get(call.tool, ())):
            codes.add("grant_bound")
        if link.limits.calls_per_run is not None and not link.calls_used < link.limits.calls_per_run:
            codes.add("call_cap")
        if link.limits.wall_clock_s is not None and not facts.now < link.run.opened_at + 1000 * link.limits.wall_clock_s:
            codes.add("wall_clock")
    for charge, meter in zip(facts.charges, facts.meters, strict=True):
        held, extra = (meter.held, meter.extra) if meter is not None else (0, 0)
        if held + charge.amount > charge.cap + extra:
            codes.add("concurrency")
    if facts.uncountable:
        codes.add("uncountable")
    if repeats_itself(call, facts):
        codes.add("loop")
    if any(not window.asks for window in closed_windows(call, facts)):
        codes.add("frozen")
    if facts.tool is None:
        codes.add("unknown_tool")
    else:
        if facts.agent is None or call.tool not in facts.agent.tools:
            codes.add("not_exposed")
        if facts.quarantine or facts.tool.pin != call.pin:
            codes.add("pin_changed")
        own, narrow = facts.tool.upstream_validator, facts.tool.validator
        fits = own is not None and narrow is not None and narrow.is_valid(call.shown)
        if not fits or (own is not None and facts.tool.fixed and not own.is_valid(call.value)):
            codes.add("arguments")
    if codes:
        return Level.DENY, frozenset(codes | gates(call, facts))
    asked = gates(call, facts)
    if not asked:
        return Level.ALLOW, frozenset()
    ticket = facts.ticket
    mine = ticket is not None and ticket.digest == call.digest and facts.now < ticket.expires_at
    if ticket is not None and mine and ticket.state is TicketState.DENIED:
        return Level.DENY, frozenset(asked | {"approval_denied"})
    if ticket is not None and mine and ticket.state is TicketState.APPROVED:
        needed = {(code, quorum_of(call, facts)) for code in asked}
        if needed <= {(gate.code.value, gate.quorum) for gate in ticket.gates}:
            return Level.ALLOW, frozenset(asked | {"approved"})
    pending = ticket is not None and ticket.digest == call.digest and ticket.state is TicketState.PENDING
    if facts.pending >= facts.chain[0].limits.pending_approvals and not pending:
        return Level.DENY, frozenset(asked | {"too_many_pending"})
    return Level.ASK, frozenset(asked)


def gates(call: Call, facts: Facts) -> set[str]:
    if facts.tool is None:
        return set()
    profile = facts.tool.profile_for(call.value)
    found = {"frozen"} if closed_windows(call, facts) else set[str]()
    if profile.effect.value == "read":
        return found
    if not profile.reversible:
        found.add("irreversible")
    if profile.costs_money:
        found.add("costs_money")
    if profile.identity:
        found.add("identity")
    if not profile.bounded:
        found.add("unbounded")
    return found


def closed_windows(call: Call, facts: Facts) -> list[Freeze]:
    """The freeze windows that speak of this call now; here all of them are dated."""
    if facts.tool is None:
        return []
    is_write = facts.tool.profile_for(call.value).effect.value == "write"
    return [
        window
        for window in facts.freezes
        if window.dated is not None and window.dated[0] <= facts.now < window.dated[1] and (is_write or window.reads)
    ]


def repeats_itself(call: Call, facts: Facts) -> bool:
    """More than two calls in a row brought nothing new, this one is among them, and no person was asked about it."""
    if facts.loops is None or facts.trail is None:
        return False
    is_known = call.digest[:16] in [known for known, _ in facts.trail.seen]
    is_one_too_many = facts.trail.stale_until - max(facts.now, facts.trail.at) > 1000 * (2 - 1)
    ticket = facts.ticket
    asked = (
        ticket is not None
        and ticket.digest == call.digest
        and ticket.state in (TicketState.PENDING, TicketState.APPROVED)
        and facts.now < ticket.expires_at
    )
    return is_known and is_one_too_many and not asked


def quorum_of(call: Call, facts: Facts) -> int:
    assert facts.tool is not None
    return facts.tool.profile_for(call.value).quorum
