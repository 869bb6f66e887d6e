"""What the guards see of a call: digests, a word for how it ended, and what it cost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ringfence.core.explaining.rule_class import RuleClass, class_of, naming
from ringfence.core.guards.likeness import likeness_of, words_likeness
from ringfence.core.model.call import Call
from ringfence.core.model.deed import Deed, DeedKind
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.model_use import MODEL
from ringfence.core.model.profile import WORST_PROFILE, ToolProfile
from ringfence.core.model.verdict import Reason
from ringfence.core.own_tools.connecting import CONNECT
from ringfence.core.own_tools.delegation import DELEGATE
from ringfence.core.own_tools.handoff import HANDOFF
from ringfence.core.own_tools.modelling import Act

_UNCOUNTED: Final = frozenset(
    {
        RuleClass.CREDENTIAL, RuleClass.STOPPED, RuleClass.RUN_ENDED, RuleClass.TOO_FAST, RuleClass.NEEDS_APPROVAL,
        RuleClass.APPROVAL_DENIED, RuleClass.APPROVAL_ENDED, RuleClass.UNAVAILABLE, RuleClass.NOT_RECORDED,
    }
)  # fmt: skip
"""Refusals after which it is right to ask again, or after which nothing can be done anyway."""


UNKNOWN: Final = "a tool that does not exist"
LARGEST_ALIKE: Final = 64 << 10
"""Bytes of arguments in which counters are looked for. Longer ones are only the same or not."""


def deed_of(call: Call, profile: ToolProfile, body: Mapping[str, Any], ended: str, began: Millis, now: Millis) -> Deed | None:
    """A call that was made, from the body of its outcome. None: nothing that a run could repeat."""
    if call.tool == CONNECT:
        return None
    if call.server == MODEL:
        return _asked(call, body, ended, began, now)
    if call.tool in (DELEGATE, HANDOFF):
        return _handed(call, ended, began, now)
    return Deed(
        kind=DeedKind.TOOL,
        began=began,
        ended=now,
        what=call.tool,
        call=call.digest,
        likeness=_likeness(call, profile),
        result=str(body.get("result_sha256") or _of_error(body) or ended),
        failed=ended != "returned" or body.get("is_error") is True or "error" in body,
    )


def refusal_of(call: Call, profile: ToolProfile | None, reasons: Sequence[Reason], now: Millis) -> Deed | None:
    """A call that was refused. None: a refusal after which it is right to ask again."""
    code = naming(reasons)
    if call.tool == CONNECT or class_of(code) in _UNCOUNTED:
        return None
    return Deed(
        kind=DeedKind.MODEL if call.server == MODEL else DeedKind.TOOL,
        began=now,
        ended=now,
        # The name of a tool that does not exist is the agent's own word, and this is told to people.
        what=call.tool if call.server else UNKNOWN,
        call=call.digest,
        likeness=_likeness(call, profile or WORST_PROFILE),
        result=code.value,
        failed=True,
    )


def _asked(call: Call, body: Mapping[str, Any], ended: str, began: Millis, now: Millis) -> Deed | None:
    if call.value.get("act") != Act.MESSAGES:
        return None
    facts: Mapping[str, Any] = body.get("model") or {}
    status, given = int(facts.get("status", 0)), str(call.value.get("given", ""))
    return Deed(
        kind=DeedKind.MODEL,
        began=began,
        ended=now,
        what=call.tool,
        call=given,
        likeness=_digest(given),
        result=f"{facts.get('answer') or ended}:{facts.get('stop_reason', '')}",
        failed=ended != "returned" or status >= 400,
        micro=int(facts.get("micro", 0)),
    )


def _handed(call: Call, ended: str, began: Millis, now: Millis) -> Deed | None:
    if call.tool == HANDOFF and "result" not in call.value:
        return None
    what = call.value.get("result") if call.tool == HANDOFF else call.value.get("task")
    likeness = words_likeness([call.agent, call.tool, what])
    return Deed(
        kind=DeedKind.HANDOVER,
        began=began,
        ended=now,
        what=call.tool,
        call=call.digest,
        likeness=likeness,
        result=ended,
        failed=ended != "returned",
    )


def _likeness(call: Call, profile: ToolProfile) -> str:
    return likeness_of(call.value, profile) if len(call.arguments) <= LARGEST_ALIKE else call.digest


def _of_error(body: Mapping[str, Any]) -> str:
    error = body.get("error")
    return str(error.get("message_sha256", "")) if isinstance(error, Mapping) else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
