"""Does everything that this call touches belong to the agent's environment?"""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.core.model.call import Call
from ringfence.core.model.environment import is_within, shown
from ringfence.core.model.facts import Facts
from ringfence.core.model.local import LOCAL
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict
from ringfence.core.own_tools.connecting import CONNECT
from ringfence.core.own_tools.delegation import DELEGATE
from ringfence.core.own_tools.exporting import EXPORT
from ringfence.core.own_tools.handoff import HANDOFF
from ringfence.core.own_tools.modelling import MESSAGES

ALLOW = Verdict(Level.ALLOW)


def environment(call: Call, facts: Facts) -> Verdict:
    """Deny what has another label, or none, to an agent that is bound to one, and to every run below a run of such an agent.

    Agents without a label are not held to any. What an agent's own client does is done where the agent is.
    """
    if not facts.environments or call.server == LOCAL or call.tool in (DELEGATE, HANDOFF, EXPORT):
        return ALLOW
    reasons = tuple(
        Reason(ReasonCode.ENVIRONMENT, "environment", f"{what} has {shown(labels)}, and the run is bound to `{bound}`")
        for what, labels in _touched(call, facts)
        for bound in sorted(facts.environments)
        if not is_within(bound, labels)
    )
    return Verdict(Level.DENY, reasons) if reasons else ALLOW


def _touched(call: Call, facts: Facts) -> Iterator[tuple[str, tuple[str, ...]]]:
    if call.tool == CONNECT:
        host, port = str(call.value.get("host")), call.value.get("port")
        rule = facts.agent.egress.of(host, port) if facts.agent is not None and isinstance(port, int) else None
        yield f"host {host}:{port}", (rule.environment if rule is not None else "",)
    elif call.tool == MESSAGES:
        yield f"model upstream {call.value.get('upstream')}", (str(call.value.get("environment", "")),)
    elif facts.tool is not None:
        yield f"server {facts.tool.server}", (facts.tool.environment,)
        if facts.tool.credential is not None:
            yield f"the credential of {call.tool}", facts.tool.credential.environments
