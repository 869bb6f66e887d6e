"""Wires where alerts go."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.adapters.notifiers.log import LogNotifier
from ringfence.adapters.notifiers.mail import MailOptions, Security, mail_notifier
from ringfence.adapters.notifiers.message import Format
from ringfence.adapters.notifiers.pagerduty import PagerDutyOptions, pagerduty_notifier
from ringfence.adapters.notifiers.several import SeveralNotifiers, Told
from ringfence.adapters.notifiers.webhook import WebhookOptions, webhook_notifier
from ringfence.adapters.system.clock import SystemClock
from ringfence.app.config.settings import Loaded
from ringfence.engine.secret_book import SecretBook
from ringfence.ports.notifier import Notifier


def build_notifiers(loaded: Loaded, secrets: SecretBook) -> Notifier:
    """Where alerts go: always to the log, and to the configured receivers."""
    return SeveralNotifiers([Told(LogNotifier(), hears_ends=True), *_receivers(loaded, secrets)])


def _receivers(loaded: Loaded, secrets: SecretBook) -> Iterator[Told]:
    clock, public_url = SystemClock(), loaded.control.public_url
    for webhook in loaded.alerts.webhooks:
        posted = WebhookOptions(
            url=webhook.url,
            format=Format(webhook.format.value),
            secret=secrets.late(webhook.secret) if webhook.secret else None,
            public_url=public_url,
        )
        yield Told(webhook_notifier(posted, clock), webhook.kinds, webhook.ends)
    for service in loaded.alerts.pagerduty:
        sent = PagerDutyOptions(url=service.url, key=secrets.late(service.key), public_url=public_url)
        yield Told(pagerduty_notifier(sent, clock), service.kinds, hears_ends=True)
    for mail in loaded.alerts.email:
        written = MailOptions(
            host=mail.host,
            port=mail.port,
            security=Security(mail.security.value),
            ca=mail.ca,
            sender=mail.sender,
            to=mail.to,
            user=mail.user,
            password=secrets.late(mail.password) if mail.password else None,
            public_url=public_url,
        )
        yield Told(mail_notifier(written, clock), mail.kinds, mail.ends)
