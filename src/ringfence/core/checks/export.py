"""May this result leave its box?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict
from ringfence.core.own_tools.exporting import EXPORT, branch_of, texts_of

ALLOW = Verdict(Level.ALLOW)
MOST_TOLD = 5


def export(call: Call, facts: Facts) -> Verdict:
    """Deny what the gate found fault with, and any branch but the run's own; ask a person about protected paths."""
    if call.tool != EXPORT or facts.tool is None:
        return ALLOW  # `exposure` denies the last
    faults = list(texts_of(call.value, "refused"))
    if call.value.get("branch") != branch_of(call.run):
        faults.append("the branch is not that of the run")
    if faults:
        return Verdict(Level.DENY, tuple(Reason(ReasonCode.WORKSPACE, "export", fault[:300]) for fault in faults[:MOST_TOLD]))
    if protected := texts_of(call.value, "protected"):
        named = ", ".join(protected[:MOST_TOLD])
        why = f"{len(protected)} protected paths: {named}"[:300]
        return Verdict(Level.ASK, (Reason(ReasonCode.WORKSPACE, "export", why),), (Gate(ReasonCode.WORKSPACE),))
    return ALLOW
