"""Does the run repeat itself?"""

from ringfence.core.guards.trail import is_looping
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict

ALLOW = Verdict(Level.ALLOW)
_WAITED_FOR = frozenset({TicketState.PENDING, TicketState.APPROVED})


def loops(call: Call, facts: Facts) -> Verdict:
    """Deny a call that the run has made again and again without anything new coming of it.

    A call whose ticket waits or was approved is asked for again because the gateway said so: that is no loop.
    """
    if facts.loops is None or facts.trail is None or not is_looping(facts.trail, facts.loops, call.digest, facts.now):
        return ALLOW
    ticket = facts.ticket
    if ticket is not None and ticket.digest == call.digest and ticket.state in _WAITED_FOR and facts.now < ticket.expires_at:
        return ALLOW
    why = f"after {facts.loops.repeats} calls in a row that brought nothing new, {call.tool} was called again"
    return Verdict(Level.DENY, (Reason(ReasonCode.LOOP, "loops", why),))
