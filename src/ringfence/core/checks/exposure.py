"""Does this tool exist for this agent?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict
from ringfence.core.own_tools.handoff import HANDOFF, is_party

ALLOW = Verdict(Level.ALLOW)


def exposure(call: Call, facts: Facts) -> Verdict:
    """Deny a tool that no server lists, that the operator never profiled, or that the agent was not given."""
    if facts.tool is None:
        return Verdict(
            Level.DENY, (Reason(ReasonCode.UNKNOWN_TOOL, "exposure", f"no server lists a configured tool `{call.tool}`"),)
        )
    if call.tool == HANDOFF and facts.agent is not None and is_party(facts):
        return ALLOW  # it comes with the run, whatever its agent was given
    if facts.agent is None or call.tool not in facts.agent.tools:
        return Verdict(
            Level.DENY, (Reason(ReasonCode.NOT_EXPOSED, "exposure", f"agent {call.agent} was not given {call.tool}"),)
        )
    return ALLOW
