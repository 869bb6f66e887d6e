"""Is the tool's definition the one that was pinned, and the one that the call was framed for?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict

ALLOW = Verdict(Level.ALLOW)


def pin(call: Call, facts: Facts) -> Verdict:
    """Deny while the definition is quarantined, or when it is not the one that the call was framed or approved for."""
    if facts.tool is None:
        return ALLOW  # `exposure` denies it
    if facts.quarantine:
        return _changed(f"{call.tool} is quarantined: {facts.quarantine}")
    if facts.tool.pin != call.pin:
        return _changed(f"the definition of {call.tool} has changed")
    return ALLOW


def _changed(detail: str) -> Verdict:
    return Verdict(Level.DENY, (Reason(ReasonCode.PIN_CHANGED, "pin", detail),))
