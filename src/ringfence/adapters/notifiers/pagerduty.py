"""Alerts as events of PagerDuty's Events API v2: https://developer.pagerduty.com/docs/events-api-v2/overview/.

An alert triggers; the word of its end resolves, by the same `dedup_key`, so the same condition is one incident there, over a
restart of the gateway as well. Resolving what is not open does nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from ringfence.adapters.notifiers.delivery import Delivery, Result, Sent
from ringfence.adapters.notifiers.http_answer import ANSWER_S, sent_of
from ringfence.adapters.notifiers.severity import severity_of
from ringfence.adapters.web.client import WebClient
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.notifier import Alert, Deed
from ringfence.ports.secrets import LateSecret

MOST_SUMMARY: Final = 1024
MOST_KEY: Final = 255
MOST_ANSWER: Final = 2000
_LABELS: Final = {Deed.RAISE: "Raise the cap", Deed.KILL: "Kill the run"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDutyOptions:
    """One integration of a service."""

    url: str
    key: LateSecret = field(repr=False)
    """Its routing key."""
    public_url: str = ""


class PagerDuty:
    """Implements `Outlet`: one event for each alert."""

    most = 1
    gap_s = 0.0

    def __init__(self, options: PagerDutyOptions) -> None:
        self._options = options
        self._host = urlsplit(options.url).hostname or "receiver"
        self._client = WebClient(self._host, ANSWER_S)

    @property
    def name(self) -> str:
        return f"pagerduty {self._host}"

    async def send(self, alerts: Sequence[Alert]) -> Sent:
        (alert,) = alerts
        try:
            key = (await self._options.key()).reveal()
            body = canonical_bytes({"routing_key": key, **event(alert, self._options.public_url)})
            answer = await self._client.post(
                self._options.url, {"content-type": "application/json"}, body, most=MOST_ANSWER, cut=True
            )
        except UnavailableError as error:
            return Sent(Result.AGAIN, str(error))
        said = answer.body.decode("utf-8", "replace").replace(key, "[key]")
        return sent_of(answer.status, "" if answer.status < 300 else "".join(c if c.isprintable() else " " for c in said)[:300])

    async def close(self) -> None:
        await self._client.close()


def pagerduty_notifier(options: PagerDutyOptions, clock: Clock) -> Delivery:
    """A notifier that sends events to one service."""
    return Delivery(PagerDuty(options), clock)


def event(alert: Alert, public_url: str) -> dict[str, Any]:
    """An event without its routing key. Links need a public address."""
    about = alert.condition
    key = about if len(about) <= MOST_KEY else hashlib.sha256(about.encode()).hexdigest()
    action = "resolve" if alert.is_over else "trigger"
    said: dict[str, Any] = {"event_action": action, "dedup_key": key}
    if alert.is_over:
        return said
    links = [{"href": f"{public_url}{alert.path}", "text": "Open"}]
    links += [{"href": f"{public_url}{act.path}", "text": _LABELS[act.deed]} for act in alert.acts]
    details = {"agent": alert.agent, "run": alert.run, "tool": alert.tool, "id": alert.id}
    details |= {f"to_{act.deed.value}": act.command for act in alert.acts}
    return {
        **said,
        "client": "Ringfence",
        **({"client_url": f"{public_url}{alert.path}", "links": links} if public_url else {}),
        "payload": {
            "summary": alert.text[:MOST_SUMMARY] or alert.kind.value,
            "source": urlsplit(public_url).hostname or "ringfence",
            "severity": severity_of(alert).value,
            "timestamp": datetime.fromtimestamp(alert.at / 1000, UTC).isoformat(timespec="milliseconds"),
            "class": alert.kind.value,
            **({"component": alert.tool} if alert.tool else {}),
            **({"group": alert.agent} if alert.agent else {}),
            "custom_details": {name: value for name, value in details.items() if value},
        },
    }
