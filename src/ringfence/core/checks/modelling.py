"""May this agent ask this model?"""

from ringfence.core.metering.rules import is_among
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict
from ringfence.core.own_tools.modelling import MESSAGES, Act, Fault

ALLOW = Verdict(Level.ALLOW)


def modelling(call: Call, facts: Facts) -> Verdict:
    """Deny a model that no upstream serves or that the agent was not given, and a request without a price or with a secret."""
    if call.tool != MESSAGES:
        return ALLOW
    value, reasons = call.value, list[Reason]()
    named = value.get("act") not in (Act.MODELS, Act.BATCHES)
    names = [str(name) for name in (value.get("model"), *value.get("others", ()))] if named else []
    given = facts.agent.models if facts.agent is not None else ()
    for name in names:
        if not is_among(name, given):
            reasons.append(Reason(ReasonCode.MODEL_NOT_ALLOWED, "modelling", f"agent {call.agent} was not given {name}"))
    if not value.get("upstream"):
        detail = f"no upstream serves {' and '.join(names) or 'models'}"
        reasons.append(Reason(ReasonCode.MODEL_NOT_ALLOWED, "modelling", detail))
    match value.get("fault"):
        case Fault.NONE:
            pass
        case Fault.PRICE:
            reasons.append(Reason(ReasonCode.UNPRICED_MODEL, "modelling", str(value.get("why"))))
        case Fault.SECRET:
            reasons.append(Reason(ReasonCode.SECRET, "modelling", str(value.get("why"))))
        case _:
            reasons.append(Reason(ReasonCode.UNCOUNTABLE, "modelling", str(value.get("why"))))
    return Verdict(Level.DENY, tuple(reasons)) if reasons else ALLOW
