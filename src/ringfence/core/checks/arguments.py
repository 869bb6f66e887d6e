"""Do the arguments satisfy the tightened schema that the agent was shown?"""

from itertools import islice

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.tool import Tool
from ringfence.core.model.verdict import Level, Reason, ReasonCode, Verdict
from ringfence.core.narrowing.session_policy import session_policy
from ringfence.core.strict_json.confusable import twins

ALLOW = Verdict(Level.ALLOW)
_MOST_FAULTS = 5


def arguments(call: Call, facts: Facts) -> Verdict:
    """Deny arguments outside the schema, and keys that two readers could take for one another, also beside what is fixed.

    A schema that could not be compiled denies everything.
    """
    tool = facts.tool
    if tool is None:
        return ALLOW  # `exposure` denies it
    if tool.validator is None or tool.upstream_validator is None:
        return Verdict(Level.DENY, (Reason(ReasonCode.ARGUMENTS, "arguments", "the tool's schema cannot be used"),))
    if (twin := twins(call.value)) is not None:
        fault = f"the key {twin[:80]!r} could be taken for another one beside it"
        return Verdict(Level.DENY, (Reason(ReasonCode.ARGUMENTS, "arguments", fault),))
    if tool.validator.is_valid(call.shown) and (not tool.fixed or tool.upstream_validator.is_valid(call.value)):
        return _policy(call, tool)
    faults = [
        f"{pointer(error.instance_path)}: {error.message}"
        for validator, value in ((tool.validator, call.shown), (tool.upstream_validator, call.value))
        for error in islice(validator.iter_errors(value), _MOST_FAULTS)
    ]
    return Verdict(Level.DENY, tuple(Reason(ReasonCode.ARGUMENTS, "arguments", fault) for fault in dict.fromkeys(faults)))


def _policy(call: Call, tool: Tool) -> Verdict:
    """Arguments that a session policy is built from have to fit into it."""
    minting = tool.credential.minting if tool.credential is not None else None
    if minting is None or minting.role is None:
        return ALLOW
    policy = session_policy(minting.role, call.value)
    if isinstance(policy, str):
        return ALLOW
    return Verdict(Level.DENY, (Reason(ReasonCode.ARGUMENTS, "arguments", policy.why),))


def pointer(path: list[str | int]) -> str:
    """An instance path as a JSON pointer."""
    return "".join(f"/{part}" for part in path) or "/"
