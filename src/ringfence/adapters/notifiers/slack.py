"""An alert for Slack's incoming webhooks: text for notifications, blocks for the channel. Pure.

Bounds are those of https://docs.slack.dev/reference/block-kit: 3,000 characters in a section, 75 on a button, 3,000 in its URL.
A button only opens a page of the control plane. Slack refuses a whole message for one URL that is none, so there are buttons
only where a public address is configured.
"""

from __future__ import annotations

from typing import Any, Final

from ringfence.ports.notifier import Act, Alert, Deed

MOST_TEXT: Final = 2000
"""Before escaping, which makes at most five characters of one: a sentence is far shorter, and Slack counts what is shown."""
MOST_SECTION: Final = 3000
MOST_URL: Final = 3000
_LABELS: Final = {Deed.RAISE: "Raise the cap", Deed.KILL: "Kill the run"}


def slack_message(alert: Alert, public_url: str) -> dict[str, Any]:
    """The body as a value."""
    said = f"{'over: ' if alert.is_over else ''}{alert.text[:MOST_TEXT]}"
    link = f"{public_url}{alert.path}"
    text = f"{_escaped(said)}\n{_escaped(link)}"
    commands = "\n".join(act.command for act in alert.acts)
    blocks: list[dict[str, Any]] = [_section(f"*{alert.kind.value}* {_escaped(said)}")]
    if commands and not alert.is_over:
        blocks.append(_section(f"```{_escaped(commands.replace('`', ''))}```"))
    buttons = [_button("Open", link, "open")]
    if not alert.is_over:
        buttons += [_act_button(act, public_url) for act in alert.acts]
    buttons = [button for button in buttons if len(button["url"]) <= MOST_URL]
    if public_url and buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return {"text": text, "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MOST_SECTION], "verbatim": True}}


def _act_button(act: Act, public_url: str) -> dict[str, Any]:
    button = _button(_LABELS[act.deed], f"{public_url}{act.path}", act.deed.value)
    return {**button, "style": "danger"} if act.deed is Deed.KILL else button


def _button(label: str, url: str, name: str) -> dict[str, Any]:
    return {"type": "button", "action_id": name, "text": {"type": "plain_text", "text": label}, "url": url}


def _escaped(text: str) -> str:
    """Slack reads these three as markup (links, mentions): https://docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
