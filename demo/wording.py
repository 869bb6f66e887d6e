"""How a call and the reasons of a decision read in one short line."""

from collections.abc import Iterable, Mapping
from typing import Any

WHY = {
    "not_exposed": "was never given to the agent",
    "unknown_tool": "there is no such tool",
    "arguments": "outside the tool's schema",
    "call_cap": "its cap of calls is used up",
    "killed": "the run was killed",
    "paused": "the run is paused",
    "approval_denied": "a person said no to exactly this",
    "approval_withdrawn": "the approval was withdrawn",
    "irreversible": "cannot be undone",
    "costs_money": "costs money",
    "identity": "changes who may do what",
    "unbounded": "without bound",
    "approved": "a person approved it",
    "provenance": "only a ticket names it",
}
_STRONGEST = ("killed", "not_exposed", "unknown_tool", "approval_denied", "call_cap")


def call_text(tool: str, arguments: Mapping[str, Any], width: int = 52) -> str:
    """`refund A-1001 1000 a dent in the kettle`, cut where it is too long."""
    text = " ".join([tool.partition(".")[2], *(str(value) for value in arguments.values())])
    return text if len(text) <= width else f"{text[: width - 1]}…"


def why(codes: Iterable[str]) -> str:
    """The reasons in words; one that explains everything stands alone."""
    given = list(codes)
    strongest = next((code for code in _STRONGEST if code in given), None)
    return "; ".join(WHY.get(code, code) for code in ([strongest] if strongest else given))
