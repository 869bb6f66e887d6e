"""May this be handed over, or taken?"""

from __future__ import annotations

from ringfence.core.explaining.rule_class import RESULT_CHECK
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.handoff import Handing
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict
from ringfence.core.own_tools.handoff import HANDOFF, Asked, HandOver, Take, asked_in, claims_less, is_party
from ringfence.core.own_tools.result_schema import MOST_RESULT_BYTES, misses
from ringfence.core.strict_json.canonical import canonical_bytes

ALLOW = Verdict(Level.ALLOW)
_CHECK = "handoff"


def handoff(call: Call, facts: Facts) -> Verdict:
    """Deny a result of a run that owes none, a second one, one that is not as its schema asks, is too large or claims a lower
    label than the run has; and deny taking what another run's child has found.
    """
    if call.tool != HANDOFF:
        return ALLOW
    tool = facts.tool
    if tool is None or tool.validator is None or not tool.validator.is_valid(call.value):
        return ALLOW  # `exposure` or `arguments` denies it
    asked = asked_in(call.value)
    if asked is None:
        why = "exactly one of `result`, `from` and `schema`, and `label` with `result` only"
        return Verdict(Level.DENY, (Reason(ReasonCode.ARGUMENTS, _CHECK, why),))
    reason = _why_not(call, asked, facts, facts.handing or Handing())
    return ALLOW if reason is None else Verdict(Level.DENY, (reason,))


def _why_not(call: Call, asked: Asked, facts: Facts, handing: Handing) -> Reason | None:
    if not is_party(facts):
        return _reason(f"run {call.run} owes no result, and no child owes it one")
    if isinstance(asked, Take):
        child = handing.child
        if child is None or call.run not in child.ancestors[:1]:
            return _reason(f"run {asked.child[:80]} is no child of run {call.run}")
        return None if child.result_schema else _reason(f"no schema was fixed for the result of run {child.id}")
    run = facts.chain[0].run
    if not (run.ancestors and run.result_schema):
        return _reason(f"run {call.run} owes no result")
    return _why_not_handed(asked, facts, handing) if isinstance(asked, HandOver) else None


def _why_not_handed(asked: HandOver, facts: Facts, handing: Handing) -> Reason | None:
    run = facts.chain[0].run
    own, text = facts.label, canonical_bytes(asked.result)
    if claims_less(asked.claim, own):
        return _reason(f"it claims a lower label than the run has ({own.integrity.value}, {own.confidentiality.value})")
    if handing.handed is not None:
        # The same once more is somebody who did not hear the answer.
        again = handing.handed.result == text.decode()
        return None if again else _reason(f"run {run.id} has handed its result over in call {handing.handed.call}")
    if len(text) > MOST_RESULT_BYTES:
        return _reason(f"the result has {len(text)} bytes; the most are {MOST_RESULT_BYTES}")
    if places := misses(run.result_schema, asked.result):
        # Where it is wrong helps whoever wrote it; what is asked for there they can ask.
        return Reason(ReasonCode.HANDOFF, RESULT_CHECK, f"not as the schema asks at {', '.join(places)}")
    return None


def _reason(why: str) -> Reason:
    return Reason(ReasonCode.HANDOFF, _CHECK, why)
