"""Entries of calls, read as what may be told of them. Pure, and total: an entry with something missing tells less.

Of the body only named members are taken, each of them a number, an id, or one of a closed list of words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from ringfence.core.explaining.rule_class import class_of, naming
from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT, READ_RESOURCE
from ringfence.core.model.identifiers import CallId, RunId, TicketId, ToolId
from ringfence.core.model.verdict import Reason, ReasonCode
from ringfence.core.own_tools.modelling import MESSAGES, Act
from ringfence.core.own_tools.names import OWN_TOOLS
from ringfence.core.records.entry import Entry
from ringfence.core.rules import Rules
from ringfence.core.telemetry.events import Decided, Ended, Ending, ModelAsked, ModelUsed, Remote
from ringfence.core.telemetry.names import agent_name, model_name, tool_name, upstream_name

TOOLS_CALL: Final = "tools/call"
TOKEN_KINDS: Final = ("plain", "write_5m", "write_1h", "read", "output")
STOP_REASONS: Final = frozenset(
    {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"}
)
OTHER: Final = "other"
UNKNOWN_END: Final = "unknown"
_ENDS: Final = frozenset({"complete", "refused", "killed", "client_gone", "broken", "cut", "error", "unfinished"})
_METHODS: Final = (READ_RESOURCE, GET_PROMPT, COMPLETE)
_CODES: Final = frozenset(ReasonCode)
_ACTS: Final = frozenset(Act)
_TRACE: Final = re.compile(r"[0-9a-f]{32}")
_SPAN: Final = re.compile(r"[0-9a-f]{16}")


def decided(entry: Entry, seq: int, root: RunId, rules: Rules) -> Decided | None:
    """A decision's entry. None: it is none."""
    if entry.run is None or entry.call is None or entry.decision is None:
        return None
    body = entry.body
    codes = () if entry.decision == "allow" else _codes(body.get("reasons"))
    code = naming(Reason(each, "") for each in codes) if codes else None
    ticket = body.get("ticket")
    return Decided(
        at=entry.at,
        entry=f"e{seq}",
        call=entry.call,
        run=entry.run,
        root=root,
        agent=agent_name(rules, entry.agent),
        tool=tool_name(rules, entry.tool),
        method=_method(entry.tool or ""),
        level=entry.decision,
        code=code.value if code is not None else "",
        rule=class_of(code) if code is not None else None,
        ticket=TicketId(ticket) if isinstance(ticket, str) else None,
        remote=_remote(body),
        asked=_asked(body.get("arguments"), rules) if entry.tool == MESSAGES else None,
    )


def ended(entry: Entry, seq: int, before: Decided | None, rules: Rules) -> Ended | None:
    """An outcome's entry. None: it is none."""
    if entry.call is None or entry.decision is None:
        return None
    body = entry.body
    error = body.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    ending = _ending(entry.decision, body)
    return Ended(
        at=entry.at,
        entry=f"e{seq}",
        call=CallId(entry.call),
        agent=before.agent if before is not None else agent_name(rules, entry.agent),
        tool=before.tool if before is not None else tool_name(rules, entry.tool),
        ending=ending,
        decided=before,
        stopped=body.get("stopped") is True,
        code=code if isinstance(code, int) else None,
        used=_used(body.get("model"), ending, before, rules) if entry.tool == MESSAGES else None,
    )


def _codes(reasons: Any) -> tuple[ReasonCode, ...]:
    known: list[ReasonCode] = []
    for reason in reasons if isinstance(reasons, list | tuple) else ():
        code = reason.get("code") if isinstance(reason, Mapping) else None
        if isinstance(code, str) and code in _CODES:
            known.append(ReasonCode(code))
    return tuple(known)


@lru_cache(maxsize=1024)
def _method(tool: str) -> str:
    if (own := OWN_TOOLS.get(ToolId(tool))) is not None and not own.shown:
        return ""
    return next((method for method in _METHODS if tool.endswith(f".{method}")), TOOLS_CALL)


def _remote(body: Mapping[str, Any]) -> Remote | None:
    trace, span = body.get("trace"), body.get("span")
    if trace is None:
        return None
    if not isinstance(trace, str) or not isinstance(span, str) or not _TRACE.fullmatch(trace) or not _SPAN.fullmatch(span):
        return None
    return Remote(trace, span)


def _asked(arguments: Any, rules: Rules) -> ModelAsked | None:
    if not isinstance(arguments, Mapping):
        return None
    act, given = arguments.get("act"), arguments.get("most")
    most: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    return ModelAsked(
        act=act if isinstance(act, str) and act in _ACTS else OTHER,
        model=model_name(rules, _text(arguments, "model")),
        upstream=upstream_name(rules, _text(arguments, "upstream")),
        max_tokens=_count(arguments, "max_tokens"),
        stream=arguments.get("stream") is True,
        most_micro=_count(most, "micro"),
        most_in=_count(most, "tokens_in"),
        most_out=_count(most, "tokens_out"),
    )


def _used(facts: Any, ending: Ending, before: Decided | None, rules: Rules) -> ModelUsed | None:
    asked = before.asked if before is not None else None
    if not isinstance(facts, Mapping):
        return _at_most(asked) if asked is not None and ending is Ending.AMBIGUOUS else None
    tokens = facts.get("tokens")
    counted: Mapping[str, Any] = tokens if isinstance(tokens, Mapping) else {}
    answered = _text(facts, "model")
    end, reason = _text(facts, "end"), _text(facts, "stop_reason")
    return ModelUsed(
        model=model_name(rules, answered) if answered or asked is None else asked.model,
        end=end if end in _ENDS else OTHER,
        status=_count(facts, "status"),
        micro=_count(facts, "micro"),
        tokens_in=_count(facts, "tokens_in"),
        tokens_out=_count(facts, "tokens_out"),
        kinds={kind: _count(counted, kind) for kind in TOKEN_KINDS if counted.get(kind)},
        stop_reason=reason if reason in STOP_REASONS or not reason else OTHER,
    )


def _at_most(asked: ModelAsked) -> ModelUsed:
    """Nobody knows what it used, so it counts at what it could use, as it does on the meters."""
    return ModelUsed(
        model=asked.model,
        end=UNKNOWN_END,
        status=0,
        micro=asked.most_micro,
        tokens_in=asked.most_in,
        tokens_out=asked.most_out,
    )


def _ending(decision: str, body: Mapping[str, Any]) -> Ending:
    if decision == Ending.NOT_SENT:
        return Ending.NOT_SENT
    if decision != Ending.RETURNED:
        return Ending.AMBIGUOUS
    if "withheld" in body:
        return Ending.WITHHELD
    return Ending.FAILED if "error" in body or body.get("is_error") is True else Ending.RETURNED


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    return value if isinstance(value, str) else ""


def _count(facts: Mapping[str, Any], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
