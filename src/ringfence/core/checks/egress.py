"""May this agent's box reach this host?"""

from ringfence.core.model.call import Call
from ringfence.core.model.egress import Unlisted
from ringfence.core.model.facts import Facts
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict
from ringfence.core.own_tools.connecting import CONNECT, Act, is_within

ALLOW = Verdict(Level.ALLOW)


def egress(call: Call, facts: Facts) -> Verdict:
    """Deny a connection that no rule of the agent has; ask a person about a host that none names, where that is wanted."""
    if call.tool != CONNECT or facts.agent is None or facts.tool is None:
        return ALLOW  # `exposure` denies the last two
    rules = facts.agent.egress
    host, port = str(call.value.get("host")), call.value.get("port")
    known = rules.of(host, port) if isinstance(port, int) else None
    if known is not None and is_within(known, call.value):
        return ALLOW
    if known is None and rules.unlisted is Unlisted.ASK and call.value.get("act") == Act.TUNNEL:
        why = f"no rule names {host}:{port}"
        return Verdict(Level.ASK, (Reason(ReasonCode.HOST, "egress", why),), (Gate(ReasonCode.HOST),))
    why = f"no rule names {host}:{port}" if known is None else f"the rule of {host}:{port} has no such requests"
    return Verdict(Level.DENY, (Reason(ReasonCode.HOST, "egress", why),))
