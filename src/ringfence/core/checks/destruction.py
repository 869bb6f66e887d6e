"""Does the run have to halt because it reaches for something that cannot be undone?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.profile import Effect
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict

ALLOW = Verdict(Level.ALLOW)


def destruction(call: Call, facts: Facts) -> Verdict:
    """Halt on an irreversible write, where the agent of the run or of one above it says so. No approval opens that.

    A tool that the agent was not given is refused like one that does not exist, so that nobody can tell them apart.
    """
    if facts.tool is None or facts.agent is None or call.tool not in facts.agent.tools:
        return ALLOW
    if not any(link.limits.stop_when.destructive for link in facts.chain):
        return ALLOW
    profile = facts.tool.profile_for(call.value)
    if profile.effect is not Effect.WRITE or profile.reversible:
        return ALLOW
    link = next(link for link in facts.chain if link.limits.stop_when.destructive)
    why = f"agent {link.run.agent} stops when a destructive tool is called, and {call.tool} cannot be undone"
    return Verdict(Level.HALT, (Reason(ReasonCode.STOP_CONDITION, "destruction", why),))
