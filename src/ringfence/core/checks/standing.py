"""Is anything stopped, closed or expired that this call stands on?"""

from ringfence.core.model import Call, Facts, Level, Reason, ReasonCode, RunState, StopMode, Verdict

ALLOW = Verdict(Level.ALLOW)
_STOP_CODE = {
    StopMode.KILL: ReasonCode.KILLED,
    StopMode.PAUSE: ReasonCode.PAUSED,
    StopMode.DISABLE: ReasonCode.TOOL_DISABLED,
}


def standing(call: Call, facts: Facts) -> Verdict:
    """Deny under a stop, or when the run or one of its ancestors is closed or past its expiry."""
    reasons = [
        Reason(_STOP_CODE[stop.mode], "standing", f"{stop.mode.value} of {stop.scope}: {stop.reason}") for stop in facts.stops
    ]
    for link in facts.chain:
        if link.run.state is not RunState.OPEN:
            reasons.append(Reason(ReasonCode.RUN_CLOSED, "standing", f"run {link.run.id} is closed"))
        elif link.run.expires_at is not None and facts.now >= link.run.expires_at:
            reasons.append(Reason(ReasonCode.RUN_EXPIRED, "standing", f"run {link.run.id} has expired"))
    return Verdict(Level.DENY, tuple(reasons)) if reasons else ALLOW
