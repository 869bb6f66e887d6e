"""What a webhook says: one sentence and a link, never arguments. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from ringfence.core.canonical import canonical_bytes
from ringfence.ports.notifier import Alert


class Format(StrEnum):
    """How the body looks."""

    JSON = "json"
    SLACK = "slack"
    """`{"text": ...}`, as Slack's incoming webhooks and the like take it."""


def message(alert: Alert, form: Format, public_url: str) -> bytes:
    """The body. Without a public address the link is only a path."""
    link = f"{public_url}{alert.path}"
    match form:
        case Format.JSON:
            return canonical_bytes(
                {
                    "v": 1,
                    "id": alert.id,
                    "kind": alert.kind.value,
                    "at": alert.at,
                    "text": alert.text,
                    "link": link,
                    "agent": alert.agent,
                    "run": alert.run,
                    "tool": alert.tool,
                }
            )
        case Format.SLACK:
            return canonical_bytes({"text": f"{_escaped(alert.text)}\n{_escaped(link)}"})
        case _:
            assert_never(form)


def _escaped(text: str) -> str:
    """Slack reads these three as markup (links, mentions): https://docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
