"""What a webhook says: one sentence, links and commands, never arguments. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, assert_never

from ringfence.adapters.notifiers.severity import severity_of
from ringfence.adapters.notifiers.slack import slack_message
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.ports.notifier import Alert


class Format(StrEnum):
    """How the body looks."""

    JSON = "json"
    SLACK = "slack"
    """`{"text": ..., "blocks": ...}`, as Slack's incoming webhooks and the like take it."""


def message(alert: Alert, form: Format, public_url: str) -> bytes:
    """The body. Without a public address links are only paths."""
    match form:
        case Format.JSON:
            return canonical_bytes(_json(alert, public_url))
        case Format.SLACK:
            return canonical_bytes(slack_message(alert, public_url))
        case _:
            assert_never(form)


def _json(alert: Alert, public_url: str) -> dict[str, Any]:
    return {
        "v": 1,
        "id": alert.id,
        "kind": alert.kind.value,
        "at": alert.at,
        "text": alert.text,
        "link": f"{public_url}{alert.path}",
        "agent": alert.agent,
        "run": alert.run,
        "tool": alert.tool,
        "about": alert.condition,
        "over": alert.is_over,
        "severity": severity_of(alert).value,
        "acts": [{"do": act.deed.value, "link": f"{public_url}{act.path}", "command": act.command} for act in alert.acts],
    }
