"""The reversibility gate: what cannot be undone, costs, touches identity or knows no bound waits for a person."""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.profile import Effect, ToolProfile
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict

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


def blast_radius(call: Call, facts: Facts) -> Verdict:
    """Ask where the profile of this very call (conditions on its arguments included) is large."""
    if facts.tool is None:
        return ALLOW  # `exposure` denies it
    gates = gates_of(facts.tool.profile_for(call.value))
    if not gates:
        return ALLOW
    return Verdict(Level.ASK, tuple(Reason(gate.code, "blast_radius") for gate in gates), gates)
