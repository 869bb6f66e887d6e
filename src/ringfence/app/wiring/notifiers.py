"""Wires where alerts go."""

from __future__ import annotations

from ringfence.adapters.notifiers.log import LogNotifier
from ringfence.adapters.notifiers.message import Format
from ringfence.adapters.notifiers.several import SeveralNotifiers, Told
from ringfence.adapters.notifiers.webhook import WebhookOptions, webhook_notifier
from ringfence.adapters.system.clock import SystemClock
from ringfence.app.config.settings import Loaded
from ringfence.engine.secret_book import SecretBook
from ringfence.ports.notifier import Notifier


def build_notifiers(loaded: Loaded, secrets: SecretBook) -> Notifier:
    """Where alerts go: always to the log, and to the configured webhooks."""
    told = [Told(LogNotifier())]
    for webhook in loaded.alerts.webhooks:
        secret = secrets.late(webhook.secret) if webhook.secret else None
        options = WebhookOptions(
            url=webhook.url, format=Format(webhook.format.value), secret=secret, public_url=loaded.control.public_url
        )
        told.append(Told(webhook_notifier(options, SystemClock()), webhook.kinds))
    return SeveralNotifiers(told)
