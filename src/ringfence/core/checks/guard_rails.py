"""Does a call reach for what holds its own run?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.local import Use
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict
from ringfence.core.permissions.protected_paths import is_rail
from ringfence.core.permissions.weighing import brief

ALLOW = Verdict(Level.ALLOW)


def guard_rails(call: Call, facts: Facts) -> Verdict:
    """Halt a run that would change its own rules, its client's hooks, or where either is kept. No approval opens that."""
    if facts.local is None:
        return ALLOW
    own = facts.agent.local.guard_rails if facts.agent is not None and facts.agent.local is not None else ()
    for act in facts.local.acts:
        for use in act.paths:
            if use.use in (Use.WRITE, Use.DELETE) and is_rail(use, facts.local.place, own):
                why = f"it would change {use.real or use.path}, which holds the run: {brief(act)}"
                return Verdict(Level.HALT, (Reason(ReasonCode.GUARD_RAIL, "guard_rails", why),))
    return ALLOW
