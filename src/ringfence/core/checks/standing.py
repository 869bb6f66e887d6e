"""Is anything stopped, closed or expired that this call stands on?"""

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.run import RunState
from ringfence.core.model.stop import Stop, StopMode
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict

ALLOW = Verdict(Level.ALLOW)
_STOP_CODE = {
    StopMode.KILL: ReasonCode.KILLED,
    StopMode.PAUSE: ReasonCode.PAUSED,
    StopMode.DISABLE: ReasonCode.TOOL_DISABLED,
}


def _in_words(stop: Stop) -> str:
    who = "" if stop.by.startswith("operator:") else f" by {stop.by}"
    return f"{stop.mode.value} of {stop.scope}{who}: {stop.reason}"


def standing(call: Call, facts: Facts) -> Verdict:
    """Deny under a stop, or when the run or one of its ancestors is closed or past its expiry."""
    reasons = [Reason(_STOP_CODE[stop.mode], "standing", _in_words(stop)) for stop in facts.stops]
    for link in facts.chain:
        if link.run.state is not RunState.OPEN:
            reasons.append(Reason(ReasonCode.RUN_CLOSED, "standing", f"run {link.run.id} is closed"))
        elif link.run.expires_at is not None and facts.now >= link.run.expires_at:
            reasons.append(Reason(ReasonCode.RUN_EXPIRED, "standing", f"run {link.run.id} has expired"))
    return Verdict(Level.DENY, tuple(reasons)) if reasons else ALLOW
