"""Is there budget left for this run and everybody above it?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict

ALLOW = Verdict(Level.ALLOW)


def limits(call: Call, facts: Facts) -> Verdict:
    """Deny past a cap on calls or wall clock, of the run or of any ancestor.

    The cap is enforced once more, atomically, when the call is reserved; here it becomes a reason.
    """
    reasons: list[Reason] = []
    for link in facts.chain:
        cap, clock = link.limits.calls_per_run, link.limits.wall_clock_s
        if cap is not None and link.calls_used + 1 > cap:
            reasons.append(
                Reason(ReasonCode.CALL_CAP, "limits", f"run {link.run.id} has used {link.calls_used} of {cap} calls")
            )
        if clock is not None and facts.now >= link.run.opened_at + clock * 1000:
            reasons.append(Reason(ReasonCode.WALL_CLOCK, "limits", f"run {link.run.id} is older than {clock} s"))
    return Verdict(Level.DENY, tuple(reasons)) if reasons else ALLOW
