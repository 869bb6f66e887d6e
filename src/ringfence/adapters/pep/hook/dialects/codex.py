"""Codex: hooks that are commands, with events much like Claude Code's. Written from its documentation, not yet run against it.

It takes an `allow` or an `ask` by itself, and every member that it does not know, for an error of the hook, and then lets the
call run. So what may go on is said by silence, and a refusal has no other member than those that refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ringfence.adapters.pep.hook.dialects.claude_code import ClaudeCode
from ringfence.adapters.pep.hook.dialects.dialect import Malformed
from ringfence.core.own_tools.local_calls import INNER, OTHER
from ringfence.engine.local.asked import Answer, Event, Happening, Say, ToolUse

_NAMES: Final = {
    "Bash": "Bash",
    "shell": "Bash",
    "local_shell": "Bash",
    "shell_command": "Bash",
    "exec_command": "Bash",
    "apply_patch": "Patch",
    "update_plan": INNER,
}
_SHELL: Final = frozenset({"command", "description", "justification", "timeout", "timeout_ms"})
"""Members of a shell's input that change nothing about what is run."""
_KNOWN: Final = frozenset({Happening.AFTER, Happening.PROMPT, Happening.BATCH})
"""Where a block is understood, besides those that have a form of their own."""


class Codex:
    """Implements `Dialect`."""

    def __init__(self) -> None:
        self._alike = ClaudeCode()

    def event(self, value: Mapping[str, Any]) -> Event | Malformed:
        found = self._alike.event(value)
        if isinstance(found, Malformed) or found.use is None:
            return found
        return replace(found, use=_named(found.use))

    def answer(self, event: Event | None, answer: Answer) -> Mapping[str, Any]:
        if event is None or event.happening is Happening.BEFORE:
            return _before(answer)
        is_fine = answer.say in (Say.NOTHING, Say.ALLOW)
        if event.happening is Happening.PERMISSION:
            decision = {"behavior": "allow"} if is_fine else {"behavior": "deny", "message": answer.why}
            return {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}
        if event.happening not in _KNOWN or (is_fine and not answer.is_replaced and not answer.is_withheld):
            return {}
        return {"decision": "block", "reason": answer.why or "ringfence: the result holds what may not be passed on"}


def _named(use: ToolUse) -> ToolUse:
    tool = _NAMES.get(use.client_tool, OTHER)
    if tool == "Bash" and (not isinstance(use.input.get("command"), str) or not use.input.keys() <= _SHELL):
        # Some of its shells are given words instead of a text, or a folder to work in: nobody has described those.
        tool = OTHER
    return replace(use, tool=tool)


def _before(answer: Answer) -> Mapping[str, Any]:
    said: dict[str, Any] = {"hookEventName": "PreToolUse"}
    if answer.say in (Say.NOTHING, Say.ALLOW):
        if answer.input is None:
            return {}
        said |= {"permissionDecision": "allow", "updatedInput": dict(answer.input)}
    else:
        said |= {"permissionDecision": "deny", "permissionDecisionReason": answer.why}
    return {"hookSpecificOutput": said}
