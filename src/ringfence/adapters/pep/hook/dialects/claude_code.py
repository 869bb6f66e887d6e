"""Claude Code: its hooks over HTTP, or carried by a command. Observed with version 2.1.329.

It takes what it does not understand for no opinion, and lets the call run. So nothing is left to it: what may go on is said to
be allowed, and everything else is refused in the form that its event knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from ringfence.adapters.pep.hook.dialects.dialect import (
    LONGEST_PATH,
    MOST_USES,
    Malformed,
    object_at,
    server_of,
    text_at,
    tool_name,
    use_id,
)
from ringfence.adapters.pep.hook.dialects.withholding import shaped, withheld
from ringfence.core.own_tools.local_calls import CHANGE, INNER, OTHER, TOOLS
from ringfence.engine.local.asked import Answer, Event, Happening, Say, ToolUse

_HAPPENINGS: Final = {
    "PreToolUse": Happening.BEFORE,
    "PostToolUse": Happening.AFTER,
    "PostToolUseFailure": Happening.FAILED,
    "PostToolBatch": Happening.BATCH,
    "PermissionRequest": Happening.PERMISSION,
    "UserPromptSubmit": Happening.PROMPT,
    "ConfigChange": Happening.CONFIG,
    "SessionStart": Happening.BEGIN,
    "SessionEnd": Happening.END,
    "Stop": Happening.STOP,
    "StopFailure": Happening.STOP,
    "SubagentStart": Happening.AGENT_BEGIN,
    "SubagentStop": Happening.AGENT_END,
}
_NAMES: Final = {
    "Task": "Agent",
    **dict.fromkeys(
        (
            "TodoWrite", "TodoRead", "ToolSearch", "TaskCreate", "TaskUpdate", "TaskList", "TaskGet", "TaskOutput", "TaskStop",
            "BashOutput", "KillShell", "ListAgents", "ReportFindings",
            "EnterPlanMode", "ExitPlanMode", "AskUserQuestion", "StructuredOutput",
        ),
        INNER,
    ),
}  # fmt: skip
"""Tools by other names, and those that touch nothing but the client's own notes and processes."""
_OWN: Final = frozenset({INNER, CHANGE, OTHER, "Patch"})
"""Canonical names that are no tools of this client: one of that name is a tool that nobody has described."""
_MADE_UP: Final = re.compile(r"\s*<[A-Za-z][\w-]*>")
"""How prompts begin that the client writes: `<task-notification>` brings, in the words of a subagent, what it came to. Somebody
who begins with such a word is not heard either."""
_FOR_GOOD: Final = frozenset({"logout", "prompt_input_exit"})
"""Why a conversation ends where a person leaves. After `clear` and `resume` the client goes on; `other` is also what one says
that was started for a single prompt, and the next may follow."""
_KEEPS_GOING: Final = frozenset({"Stop", "SubagentStop", "StopFailure", "TaskCompleted", "TeammateIdle"})
"""Where a refusal would mean: go on."""


class ClaudeCode:
    """Implements `Dialect`."""

    def event(self, value: Mapping[str, Any]) -> Event | Malformed:
        name = text_at(value, "hook_event_name", 60)
        if not name:
            return Malformed("it does not say what has happened")
        happening = _HAPPENINGS.get(name, Happening.OTHER)
        use: ToolUse | None = None
        uses: tuple[ToolUse, ...] = ()
        if happening in (Happening.BEFORE, Happening.AFTER, Happening.FAILED, Happening.PERMISSION):
            found = _use(value)
            if isinstance(found, Malformed):
                return replace(found, about=Event(happening=happening, name=name))
            use = found
        if happening is Happening.BATCH:
            batch = _batch(value)
            if isinstance(batch, Malformed):
                return batch
            uses = batch
        prompt = value.get("prompt")
        return Event(
            happening=happening,
            name=name,
            cwd=text_at(value, "cwd", LONGEST_PATH),
            session=text_at(value, "session_id"),
            agent=text_at(value, "agent_id"),
            mode=text_at(value, "permission_mode"),
            use=use,
            uses=uses,
            error=value["error"] if isinstance(value.get("error"), str) else "",
            prompt=prompt if isinstance(prompt, str) else "",
            is_made_up=isinstance(prompt, str) and _MADE_UP.match(prompt) is not None,
            source=text_at(value, "source") or text_at(value, "reason") or text_at(value, "agent_type"),
            is_for_good=happening is Happening.END and text_at(value, "reason") in _FOR_GOOD,
            path=text_at(value, "file_path", LONGEST_PATH),
        )

    def answer(self, event: Event | None, answer: Answer) -> Mapping[str, Any]:
        if event is None:
            return _ended(answer.why)
        match event.happening:
            case Happening.BEFORE:
                return _before(answer)
            case Happening.PERMISSION:
                return _permission(answer)
            case Happening.AFTER:
                # What cannot be read cannot be replaced: then the turn ends.
                return _after(event, answer) if event.use is not None or _is_fine(answer) else _ended(answer.why)
            case Happening.CONFIG:
                return {} if _is_fine(answer) else {"decision": "block", "reason": answer.why, **_stopping(answer)}
            case _:
                # The others know one way to be stopped, or none.
                return {} if _is_fine(answer) or event.name in _KEEPS_GOING else _ended(answer.why)


def _use(value: Mapping[str, Any]) -> ToolUse | Malformed:
    name, use, given = tool_name(value), use_id(value), object_at(value, "tool_input")
    if isinstance(name, Malformed):
        return name
    if isinstance(use, Malformed):
        return use
    server = server_of(name, value)
    if isinstance(server, Malformed):
        return server
    if given is None:
        return Malformed("its tool_input is no object")
    canonical = _NAMES.get(name, OTHER if name in _OWN else name)
    return ToolUse(
        tool=canonical if canonical in TOOLS else OTHER,
        client_tool=name,
        input=given,
        use=use,
        server=server,
        result=value.get("tool_response"),
    )


def _batch(value: Mapping[str, Any]) -> tuple[ToolUse, ...] | Malformed:
    found: Any = value.get("tool_calls")
    if not isinstance(found, list) or len(cast("list[Any]", found)) > MOST_USES:
        return Malformed("its tool_calls are no list of uses")
    uses: list[ToolUse] = []
    for each in cast("list[Any]", found):
        use = _use(cast("Mapping[str, Any]", each)) if isinstance(each, dict) else Malformed("a use is no object")
        if isinstance(use, Malformed):
            return use
        uses.append(use)
    return tuple(uses)


def _is_fine(answer: Answer) -> bool:
    return answer.say in (Say.NOTHING, Say.ALLOW)


def _ended(why: str) -> dict[str, Any]:
    """A refusal that every event which knows one takes for one: of a tool's use it is the older form."""
    return {"continue": False, "stopReason": why, "decision": "block", "reason": why}


def _stopping(answer: Answer) -> dict[str, Any]:
    return {"continue": False, "stopReason": answer.why} if answer.say is Say.HALT else {}


def _before(answer: Answer) -> dict[str, Any]:
    if answer.say is Say.NOTHING:
        return {}
    said: dict[str, Any] = {"hookEventName": "PreToolUse"}
    if answer.say is Say.ALLOW:
        said["permissionDecision"] = "allow"
        if answer.input is not None:
            said["updatedInput"] = dict(answer.input)
    else:
        said |= {"permissionDecision": "deny", "permissionDecisionReason": answer.why}
    # Stopping alone would let the pending call run.
    return {**_stopping(answer), "hookSpecificOutput": said}


def _permission(answer: Answer) -> dict[str, Any]:
    decision: dict[str, Any] = {"behavior": "allow"}
    if not _is_fine(answer):
        decision = {"behavior": "deny", "message": answer.why, **({"interrupt": True} if answer.say is Say.HALT else {})}
    return {**_stopping(answer), "hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}


def _after(event: Event, answer: Answer) -> dict[str, Any]:
    use = event.use
    said: dict[str, Any] = {"hookEventName": "PostToolUse"}
    if use is not None and (answer.is_replaced or answer.is_withheld or not _is_fine(answer)):
        is_kept = answer.is_replaced and _is_fine(answer)
        shown = shaped(use.client_tool, answer.result) if is_kept else withheld(use.client_tool, use.result, answer.why)
        said["updatedMCPToolOutput" if use.server else "updatedToolOutput"] = shown
    blocks = {} if _is_fine(answer) else {"decision": "block", "reason": answer.why}
    return {**_stopping(answer), **blocks, **({"hookSpecificOutput": said} if len(said) > 1 else {})}
