"""A team's own configuration, made fit for a drill: every server is played, nothing of it is reached, nobody is told.

What decides stays as it is: tools and their profiles, agents, limits, provenance, policies, groups. What reaches the world
goes: addresses, commands, credentials, boxes, issuers, where the log and alerts go.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ringfence.app.config.document import Entries, Items, Node, parse_document
from ringfence.app.config.problems import FatalProblem, Problems
from ringfence.app.drills.deployment import HOLD, MOST_WAITING
from ringfence.errors import ConfigError

_LEFT_OUT: Final = (
    "listen", "identity", "operators", "log", "secrets", "control", "authorization", "minters", "alerts", "models",
)  # fmt: skip
_OF_SERVERS: Final = ("share", "limits", "scan", "environment", "deadline")
_NOT_OF_TOOLS: Final = ("credential", "pin")
_NOT_OF_AGENTS: Final = ("box", "egress", "users", "unsafe_anonymous", "approvers", "models")
_LITERALS: Final[Mapping[str, Any]] = {"true": True, "false": False}


def document_of(path: Path) -> dict[str, Any]:
    """A configuration as plain values. Raises: ConfigError, OSError."""
    problems = Problems()
    root: Node | None = None
    try:
        root = parse_document(path.read_bytes(), problems)
    except FatalProblem as fatal:
        problems.found.append(fatal.problem)
    if root is None or problems.found:
        raise problems.error(str(path))
    found = _plain(root)
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: expected a mapping")
    return found


def _plain(node: Node) -> Any:
    match node:
        case Entries():
            return {key: _plain(entry.value) for key, entry in node.entries.items()}
        case Items():
            return [_plain(item) for item in node.items]
        case _:
            return _scalar(node.text) if node.plain else node.text


def _scalar(text: str) -> Any:
    if text in _LITERALS:
        return _LITERALS[text]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def staged(document: Mapping[str, Any], folder: Path, player: str, hook: str) -> dict[str, Any]:
    """The configuration that the drill's gateway gets.

    Args:
        folder: Where the team's file lies; its policies are read there.
        player: Where the servers are played, `http://HOST:PORT`.
        hook: Where alerts are posted.
    """
    found = {key: value for key, value in document.items() if key not in _LEFT_OUT}
    found["servers"] = {
        name: {
            **{key: fields[key] for key in _OF_SERVERS if key in fields},
            "url": f"{player}/mcp/{name}",
            # The played schemas know only the arguments that the file names.
            "closed_schemas": False,
        }
        for name, fields in document.get("servers", {}).items()
    }
    for section in ("tools", "derived"):
        if section in found:
            found[section] = {
                name: {key: value for key, value in (fields or {}).items() if key not in _NOT_OF_TOOLS}
                for name, fields in found[section].items()
            }
    found["agents"] = {
        name: {
            **{key: value for key, value in fields.items() if key not in _NOT_OF_AGENTS},
            "only_mcp": True,
            # That too many questions wait must not pass for a rule that holds.
            "limits": {**fields.get("limits", {}), "pending_approvals": MOST_WAITING},
        }
        for name, fields in document.get("agents", {}).items()
        if fields.get("tools")
    }
    policies = folder / str(document.get("policies", "policies"))
    if policies.is_dir():
        found["policies"] = str(policies.absolute())
    found["approvals"] = {"hold": HOLD, "legs": 0}
    found["alerts"] = {"webhooks": [{"url": hook}]}
    return found
