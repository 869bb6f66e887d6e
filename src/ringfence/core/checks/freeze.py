"""Is this a time in which nothing may change?"""

from ringfence.core.freezing import is_frozen
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.profile import Effect
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict

ALLOW = Verdict(Level.ALLOW)


def freeze(call: Call, facts: Facts) -> Verdict:
    """Deny, or ask about, what a freeze window speaks of while it lasts. Where one refuses, none asks."""
    if not facts.freezes or facts.tool is None:
        return ALLOW
    profile = facts.tool.profile_for(call.value)
    closed = [
        window for window in facts.freezes if (window.reads or profile.effect is Effect.WRITE) and is_frozen(window, facts.now)
    ]
    if not closed:
        return ALLOW
    reasons = tuple(Reason(ReasonCode.FROZEN, "freeze", window.text) for window in closed)
    if all(window.asks for window in closed):
        return Verdict(Level.ASK, reasons, (Gate(ReasonCode.FROZEN, profile.quorum),))
    return Verdict(Level.DENY, reasons)
