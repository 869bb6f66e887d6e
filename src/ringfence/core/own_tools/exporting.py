"""`workspace.export`: how a result leaves a box's clone and becomes a branch of the operator's repository.

It is a call like every other: framed, decided, recorded by the same path, and the ticket that a person approves is bound to
exactly these arguments, so to exactly this bundle. Only the supervisor of a box frames one; no agent is shown this tool, and
none can call it over MCP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from ringfence.core.model.identifiers import ServerId, ToolId
from ringfence.core.model.profile import OWN_PROFILE, Trust
from ringfence.core.rules import ServerRule, ToolRule

EXPORT: Final = ToolId("workspace.export")
WORKSPACE: Final = ServerId("workspace")
MOST_PATHS: Final = 500
MOST_FAULTS: Final = 20
MOST_DIFF: Final = 6_200
_ID: Final = r"^(?:[0-9a-f]{40}|[0-9a-f]{64})?$"

DEFINITION: Final[Mapping[str, Any]] = {
    "name": "export",
    "title": "Hand over a result",
    "description": "Makes one new branch in the operator's repository of what a run has committed in its box.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "repo": {"type": "string", "maxLength": 4000, "description": "The operator's repository."},
            "branch": {"type": "string", "maxLength": 200, "pattern": "^agent/[A-Za-z0-9_-]+$"},
            "base": {"type": "string", "pattern": _ID, "description": "The commit that the clone began at."},
            "head": {"type": "string", "pattern": _ID, "description": "The last commit of the result."},
            "bundle": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of the bundle that holds it."},
            "bytes": {"type": "integer", "minimum": 0},
            "commits": {"type": "integer", "minimum": 0},
            "paths": {"type": "integer", "minimum": 0, "description": "How many paths the commits touch."},
            "protected": {
                "type": "array",
                "maxItems": MOST_PATHS,
                "items": {"type": "string", "maxLength": 1024},
                "description": "Those of them that a person has to see.",
            },
            "refused": {
                "type": "array",
                "maxItems": MOST_FAULTS,
                "items": {"type": "string", "maxLength": 2000},
                "description": "Why the gate does not let it pass.",
            },
            "diff": {
                "type": "string",
                "maxLength": MOST_DIFF,
                "description": "What the commits change in the protected paths: the agent's text, cut to what a person reads.",
            },
        },
        "required": ["repo", "branch", "base", "head", "bundle", "bytes", "commits", "paths", "protected", "refused", "diff"],
        "additionalProperties": False,
    },
}

RULE: Final = ToolRule(
    id=EXPORT,
    server=WORKSPACE,
    upstream_name="export",
    # Which repository and branches, the operator has said; `export` holds the result to it.
    profile=replace(
        OWN_PROFILE,
        trust=Trust.UNTRUSTED,
        objects=("/repo", "/branch", "/head"),
        worst="Whoever checks the branch out and builds, tests or merely opens it runs what the agent wrote.",
    ),
)
SERVER: Final = ServerRule(id=WORKSPACE, deadline_s=900.0)


def branch_of(run: str) -> str:
    """The one branch that a run's result becomes."""
    return f"agent/{run}"


def texts_of(value: Mapping[str, Any], name: str) -> Sequence[str]:
    """A list of texts among the arguments; what is none counts as one text, so that it is never taken for an empty list."""
    found = value.get(name)
    if not isinstance(found, list):
        return (f"`{name}` cannot be read",)
    return [str(each) for each in cast("list[Any]", found)]
