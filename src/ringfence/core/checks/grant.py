"""Was this given to the run, and to every run above it?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.grant import EVERYTHING
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict
from ringfence.core.narrowing.grants import admits
from ringfence.core.own_tools.connecting import server_of
from ringfence.core.own_tools.handoff import HANDOFF
from ringfence.core.own_tools.modelling import MESSAGES

ALLOW = Verdict(Level.ALLOW)
_WITH_EVERY_GRANT = frozenset({HANDOFF, MESSAGES})


def grant(call: Call, facts: Facts) -> Verdict:
    """Deny what the grant of any run of the chain does not reach, or what the agent of a run above could not do itself.

    A child's grant was narrowed when it was opened; every link is read again all the same, so that nothing rests on that (I11).
    """
    reasons: list[Reason] = []
    if server_of(call) is not None:
        # It is the server's own way out, by the operator's rules for the server: no run was given it, and none gives it.
        return ALLOW
    for link in facts.chain:
        if not link.agent_may and call.tool != HANDOFF:
            detail = f"agent {link.run.agent} of run {link.run.id} above could not make this call itself"
            reasons.append(Reason(ReasonCode.NOT_GRANTED, "grant", detail))
        if link.run.grant is not EVERYTHING:
            reasons.extend(_outside(link, call, facts))
    return Verdict(Level.DENY, tuple(reasons)) if reasons else ALLOW


def _outside(link: Link, call: Call, facts: Facts) -> list[Reason]:
    reasons: list[Reason] = []
    given, run = link.run.grant, link.run.id
    # How a result goes back was given with the schema that was fixed for it; whatever tools a run was given, it may think.
    if call.tool not in _WITH_EVERY_GRANT and (why := admits(given, call.tool, call.value)):
        is_tool = given.tools is not None and call.tool not in given.tools
        code = ReasonCode.NOT_GRANTED if is_tool else ReasonCode.GRANT_BOUND
        reasons.append(Reason(code, "grant", f"run {run}: {why}"))
    if given.until is not None and facts.now >= given.until:
        reasons.append(Reason(ReasonCode.RUN_EXPIRED, "grant", f"run {run} was given until then only"))
    return reasons
