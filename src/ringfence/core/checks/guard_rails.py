"""Does a call reach for what holds its own run?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.local import Use
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict
from ringfence.core.permissions.paths import Fit
from ringfence.core.permissions.protected_paths import rail_fit
from ringfence.core.permissions.weighing import brief

ALLOW = Verdict(Level.ALLOW)


def guard_rails(call: Call, facts: Facts) -> Verdict:
    """Halt a run that would change its own rules, its client's hooks, or where either is kept: no approval opens that.

    Ask about what is done to a folder that holds them.
    """
    if facts.local is None:
        return ALLOW
    own = facts.agent.local.guard_rails if facts.agent is not None and facts.agent.local is not None else ()
    found, said = Fit.NONE, ""
    for act in facts.local.acts:
        for use in act.paths:
            if use.use in (Use.WRITE, Use.DELETE) and (fit := rail_fit(use, facts.local.place, own)) > found:
                found = fit
                holds = "holds the run" if fit is Fit.ALL else "has in it what holds the run"
                said = f"it would change {use.real or use.path}, which {holds}: {brief(act)}"
    if found is Fit.NONE:
        return ALLOW
    reasons = (Reason(ReasonCode.GUARD_RAIL, "guard_rails", said),)
    return Verdict(Level.HALT, reasons) if found is Fit.ALL else Verdict(Level.ASK, reasons, (Gate(ReasonCode.GUARD_RAIL),))
