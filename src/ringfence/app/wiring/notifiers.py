"""Wires where alerts go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ringfence.adapters.notifiers.log import LogNotifier
from ringfence.adapters.notifiers.mail import MailOptions, Security, mail_notifier
from ringfence.adapters.notifiers.message import Format
from ringfence.adapters.notifiers.pagerduty import PagerDutyOptions, pagerduty_notifier
from ringfence.adapters.notifiers.several import SeveralNotifiers, Told
from ringfence.adapters.notifiers.webhook import WebhookOptions, webhook_notifier
from ringfence.adapters.system.clock import SystemClock
from ringfence.app.config.alert_settings import MailSettings, PagerDutySettings, Webhook
from ringfence.app.config.settings import Loaded
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.ports.notifier import AlertKind, Notifier

Settings = Webhook | PagerDutySettings | MailSettings
_ALL = frozenset(AlertKind)


class Receivers:
    """Whoever is told: always the log, and the configured receivers.

    One whose settings stay the same over a reload keeps what waits for it, and what it was told.
    """

    def __init__(self, loaded: Loaded, secrets: SecretBook) -> None:
        self._secrets = secrets
        self._clock = SystemClock()
        self._made: dict[tuple[Settings, str], Notifier] = {}
        self._log = LogNotifier()
        self.notifier = SeveralNotifiers(self._told(loaded))

    def replace(self, loaded: Loaded) -> None:
        """Tell those of another configuration from now on."""
        self.notifier.replace(self._told(loaded))

    def _told(self, loaded: Loaded) -> list[Told]:
        alerts, url = loaded.alerts, loaded.control.public_url
        before, self._made = self._made, {}
        told = [Told(self._log, hears_ends=True)]

        def tell(settings: Settings, make: Callable[[], Notifier], *, ends: bool) -> None:
            # Which kinds it gets is no part of who it is.
            bare = replace(settings, kinds=_ALL) if isinstance(settings, PagerDutySettings) else _bare(settings)
            place = (bare, url)
            self._made[place] = self._made.get(place) or before.get(place) or make()
            told.append(Told(self._made[place], settings.kinds | {AlertKind.TEST}, ends))

        for webhook in alerts.webhooks:
            tell(webhook, partial(self._webhook, webhook, url), ends=webhook.ends)
        for service in alerts.pagerduty:
            tell(service, partial(self._pagerduty, service, url), ends=True)
        for mail in alerts.email:
            tell(mail, partial(self._mail, mail, url), ends=mail.ends)
        return told

    def _webhook(self, settings: Webhook, public_url: str) -> Notifier:
        secret = self._secrets.late(settings.secret) if settings.secret else None
        form = Format(settings.format.value)
        options = WebhookOptions(url=settings.url, format=form, secret=secret, public_url=public_url)
        return webhook_notifier(options, self._clock)

    def _pagerduty(self, settings: PagerDutySettings, public_url: str) -> Notifier:
        options = PagerDutyOptions(url=settings.url, key=self._secrets.late(settings.key), public_url=public_url)
        return pagerduty_notifier(options, self._clock)

    def _mail(self, settings: MailSettings, public_url: str) -> Notifier:
        options = MailOptions(
            host=settings.host,
            port=settings.port,
            security=Security(settings.security.value),
            ca=settings.ca,
            sender=settings.sender,
            to=settings.to,
            user=settings.user,
            password=self._secrets.late(settings.password) if settings.password else None,
            public_url=public_url,
        )
        return mail_notifier(options, self._clock)


def _bare(settings: Webhook | MailSettings) -> Webhook | MailSettings:
    return replace(settings, kinds=_ALL, ends=False)
