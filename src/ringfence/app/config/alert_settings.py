"""Who is told what, as one configuration file says it. `Rules` has when people are told of caps."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ringfence.ports.notifier import AlertKind
from ringfence.ports.secrets import SecretRef

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
"""Where events are taken; accounts in the EU have a place of their own."""


class WebhookFormat(StrEnum):
    JSON = "json"
    SLACK = "slack"


class MailSecurity(StrEnum):
    """How the connection to a mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One receiver of notifications."""

    url: str = field(repr=False)
    """May itself be a credential (Slack's are): not shown."""
    format: WebhookFormat = WebhookFormat.JSON
    secret: SecretRef | None = None
    kinds: frozenset[AlertKind] = frozenset(AlertKind)
    ends: bool = False
    """It is also told what is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDutySettings:
    """One service that gets events, and is always told what is over."""

    key: SecretRef
    url: str = PAGERDUTY
    kinds: frozenset[AlertKind] = frozenset(AlertKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """Some people who get mail."""

    host: str
    port: int
    security: MailSecurity = MailSecurity.STARTTLS
    ca: Path | None = None
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: SecretRef | None = None
    kinds: frozenset[AlertKind] = frozenset(AlertKind)
    ends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """All receivers besides the process log."""

    webhooks: tuple[Webhook, ...] = ()
    pagerduty: tuple[PagerDutySettings, ...] = ()
    email: tuple[MailSettings, ...] = ()
