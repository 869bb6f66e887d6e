"""The reversibility gate: what cannot be undone, costs, touches identity or knows no bound waits for a person."""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.local import Judgement
from ringfence.core.model.profile import Effect, ToolProfile
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict
from ringfence.core.permissions.weighing import acts_of

ALLOW = Verdict(Level.ALLOW)


def gates_of(profile: ToolProfile) -> tuple[Gate, ...]:
    """The gates that a call with this profile has to pass. Reads have none: what they may read is decided elsewhere."""
    if profile.effect is Effect.READ:
        return ()
    codes = (
        (not profile.reversible, ReasonCode.IRREVERSIBLE),
        (profile.costs_money, ReasonCode.COSTS_MONEY),
        (profile.identity, ReasonCode.IDENTITY),
        (not profile.bounded, ReasonCode.UNBOUNDED),
    )
    return tuple(Gate(code, profile.quorum) for closed, code in codes if closed)


def _local_gates(judgement: Judgement, facts: Facts) -> tuple[Gate, ...]:
    """The gates of all that a call of the client's own tool does, but for acts that an allow rule answers for by name."""
    if not judgement.acts:
        return gates_of(judgement.profile)
    lists = facts.agent.permissions if facts.agent is not None else None
    acts = [one.act for one in acts_of(lists, judgement) if not one.is_named]
    return tuple(sorted({gate for act in acts for gate in gates_of(act.profile)}))


def blast_radius(call: Call, facts: Facts) -> Verdict:
    """Ask where the profile of this very call (conditions on its arguments included) is large."""
    if facts.tool is None:
        return ALLOW  # `exposure` denies it
    gates = _local_gates(facts.local, facts) if facts.local is not None else gates_of(facts.tool.profile_for(call.value))
    if not gates:
        return ALLOW
    return Verdict(Level.ASK, tuple(Reason(gate.code, "blast_radius") for gate in gates), gates)
