"""Is there budget left for this run and everybody above it, and on every meter that the call is charged to?"""

from ringfence.core.ledger.moves import refusal
from ringfence.core.ledger.shortfall import CAP_CODES, in_words
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.model_use import MODEL
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict

ALLOW = Verdict(Level.ALLOW)


def limits(call: Call, facts: Facts) -> Verdict:
    """Deny past a cap on calls, wall clock or a meter, of the run or of any ancestor; halt past the actions of `stop_when`.

    The caps are enforced once more, atomically, when the call is reserved; here they become reasons.
    """
    reasons: list[Reason] = []
    for link in facts.chain:
        cap, clock = link.limits.calls_per_run if call.server != MODEL else None, link.limits.wall_clock_s
        if cap is not None and link.calls_used + 1 > cap + link.calls_added:
            detail = f"run {link.run.id} has used {link.calls_used} of {cap + link.calls_added} calls"
            reasons.append(Reason(ReasonCode.CALL_CAP, "limits", detail))
        if clock is not None and facts.now >= link.run.opened_at + link.paused_ms + clock * 1000:
            reasons.append(Reason(ReasonCode.WALL_CLOCK, "limits", f"run {link.run.id} is older than {clock} s"))
    if facts.charges:
        for charge, meter in zip(facts.charges, facts.meters, strict=True):
            if (short := refusal(meter, charge, facts.now)) is not None:
                reasons.append(Reason(CAP_CODES[charge.kind], "limits", in_words(charge, short)))
    reasons.extend(Reason(ReasonCode.UNCOUNTABLE, "limits", fault) for fault in facts.uncountable)
    if not reasons:
        return ALLOW
    halts = any(reason.code is ReasonCode.STOP_CONDITION for reason in reasons)
    return Verdict(Level.HALT if halts else Level.DENY, tuple(reasons))
