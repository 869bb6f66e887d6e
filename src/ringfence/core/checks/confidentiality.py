"""May what this run was given go where this call goes?"""

from __future__ import annotations

from typing import Final

from ringfence.core.explaining.plain_text import plain
from ringfence.core.flow.web.outside import Outside
from ringfence.core.leaving import beside, holds_two, is_sink, leaves, ways_outside
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.label import at_least
from ringfence.core.model.profile import Sensitivity, ToolProfile
from ringfence.core.model.tool import Tool
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict
from ringfence.core.own_tools.connecting import CONNECT, Act

ALLOW: Final = Verdict(Level.ALLOW)
_TOLD: Final = 3


def confidentiality(call: Call, facts: Facts) -> Verdict:
    """Ask a person where a run's data is more confidential than a sink is cleared for; and, by the rule of two, where a run
    that somebody may have steered would send confidential data outside.
    """
    tool, flow, label = facts.tool, facts.flow, facts.label
    if tool is None or flow is None or label.confidentiality is Sensitivity.PUBLIC:
        return ALLOW  # nothing was given to it that is not for everybody
    if call.tool == CONNECT and call.value.get("act") == Act.OPEN:
        return ALLOW  # nothing is sent yet: each kind of request on it is a call of its own
    profile = tool.profile_for(call.value)
    clearance = clearance_of(call, profile, facts)
    is_cleared = clearance is not None and at_least(clearance, label.confidentiality)
    reasons: list[Reason] = []
    gates: list[Gate] = []
    if clearance is not None and not is_cleared and is_sink(call, profile, flow):
        why = f"{_where(call)} is cleared for {clearance} data, the run was given {label.confidentiality} data"
        reasons.append(Reason(ReasonCode.CLEARANCE, "confidentiality", why))
        gates.append(Gate(ReasonCode.CLEARANCE, profile.quorum))
    level = flow.rules.rule_of_two
    if level is not Level.ALLOW and holds_two(label) and (why := _way_out(call, tool, facts, is_cleared)):
        why = f"the run was given untrusted content and {label.confidentiality} data; {why}"
        reasons.append(Reason(ReasonCode.RULE_OF_TWO, "confidentiality", why))
        if level is not Level.ASK:
            return Verdict(level, tuple(reasons))
        gates.append(Gate(ReasonCode.RULE_OF_TWO, profile.quorum))
    return Verdict(Level.ASK, tuple(reasons), tuple(gates)) if gates else ALLOW


def clearance_of(call: Call, profile: ToolProfile, facts: Facts) -> Sensitivity | None:
    """What may go there without a person: of a box's way out, the rule of its host says it."""
    if call.tool != CONNECT:
        return profile.clearance
    host, port = call.value.get("host"), call.value.get("port")
    known = facts.agent.egress.of(str(host), port) if facts.agent is not None and isinstance(port, int) else None
    return known.clearance if known is not None else None


def _way_out(call: Call, tool: Tool, facts: Facts, is_cleared: bool) -> str:
    """Why it reaches somebody who is not cleared; empty: it does not."""
    if not leaves(call, tool, facts.flow):
        return ""
    if is_cleared:
        return _named(beside(call, tool, facts.flow))
    return _named(ways_outside(call, facts.flow)) or f"{_where(call)} reaches outside"


def _where(call: Call) -> str:
    return str(call.value.get("host"))[:253] if call.tool == CONNECT else call.tool


def _named(ways: tuple[Outside, ...]) -> str:
    if not ways:
        return ""
    told = ", ".join(f"{plain(one.host, 60)} in {plain(one.pointer or '/', 60)} ({one.form})" for one in ways[:_TOLD])
    return f"outside are {told}" + (f" and {len(ways) - _TOLD} more" if len(ways) > _TOLD else "")
