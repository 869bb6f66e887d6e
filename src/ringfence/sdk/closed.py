"""What a client is told about an event where the gateway could not be asked. Pure: nothing goes on because nobody answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

WITHHELD: Final = "[withheld: the gateway could not look at it]"


def closed(event: Mapping[str, Any], why: str) -> dict[str, Any]:
    """The strictest answer that the client knows for this kind of event. `why` reaches the model or the person.

    An event that cannot be stopped (a command failed, a subagent or a turn ended) has no answer: a record is missing.
    """
    name = str(event.get("hook_event_name", ""))
    match name:
        case "PreToolUse":
            said = {"permissionDecision": "deny", "permissionDecisionReason": why}
        case "PermissionRequest":
            said = {"decision": {"behavior": "deny", "message": why}}
        case "UserPromptSubmit" | "ConfigChange":
            return {"decision": "block", "reason": why}
        case "PostToolUse":
            # Held back in its own shape, because the client ignores any other and goes on with what it had.
            said = {"updatedToolOutput": withheld(event.get("tool_response"))}
        case "PostToolBatch":
            # What was read cannot be taken out of this turn, so the turn ends before a model sees it.
            return {"continue": False, "stopReason": why, "decision": "block", "reason": why}
        case _:
            return {}
    return {"hookSpecificOutput": {"hookEventName": name, **said}}


def withheld(value: Any) -> Any:
    """The same shape with every text gone."""
    match value:
        case str():
            return WITHHELD if value else ""
        case dict():
            # `type` says which shape it is, not what was read.
            return {key: one if key == "type" else withheld(one) for key, one in value.items()}
        case list():
            return [withheld(one) for one in value]
        case _:
            return value
