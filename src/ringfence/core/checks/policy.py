"""What do the operator's policies say of this call?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict
from ringfence.core.policy.shard import Broken, Shard, evaluate

ALLOW = Verdict(Level.ALLOW)


def policy(call: Call, facts: Facts) -> Verdict:
    """Deny what a policy forbids; ask where every policy that forbids it has `@approve`. What cannot be evaluated denies."""
    snapshot = facts.policy
    if snapshot is None or facts.tool is None or facts.quarantine:
        return ALLOW  # `exposure` and `pin` deny the last two
    try:
        shard = snapshot.shards[call.tool]
    except KeyError:
        return _error(f"the policies have not been compared with {call.tool} yet")
    if shard is None:
        return ALLOW
    if isinstance(shard, Broken):
        return _error("; ".join(shard.faults[:3]))
    if not isinstance(shard, Shard):
        return _error(f"{call.tool} has no policies that can be evaluated")
    found = evaluate(shard, call, facts, snapshot.local_time(facts.now))
    if found.fault:
        return _error(found.fault)
    if not found.forbidding:
        return ALLOW
    reasons = tuple(Reason(ReasonCode.POLICY, "policy", each.named) for each in found.forbidding)
    gates = tuple(each.gate for each in found.forbidding if each.gate is not None)
    if len(gates) < len(found.forbidding):
        return Verdict(Level.DENY, reasons)
    return Verdict(Level.ASK, reasons, tuple(dict.fromkeys(gates)))


def _error(detail: str) -> Verdict:
    return Verdict(Level.DENY, (Reason(ReasonCode.POLICY_ERROR, "policy", detail),))
