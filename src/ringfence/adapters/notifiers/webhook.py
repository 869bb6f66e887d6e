"""Alerts posted to a receiver over HTTP, signed. `delivery.py` says how often.

- A receiver that answers 2xx has it. 408, 425, 429, 5xx and silence are tried again; any other answer, redirects included, is
  final: whoever answers elsewhere is not the receiver that was configured.
- The URL may itself be a credential: only its host is ever logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ringfence.adapters.notifiers.delivery import Delivery, Result, Sent
from ringfence.adapters.notifiers.http_answer import ANSWER_S, sent_of
from ringfence.adapters.notifiers.message import Format, message
from ringfence.adapters.web.client import WebClient
from ringfence.adapters.wire.webhook_signature import HEADER, signature
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.notifier import Alert
from ringfence.ports.secrets import LateSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOptions:
    """One receiver. `repr` shows neither address nor secret."""

    url: str = field(repr=False)
    format: Format = Format.JSON
    secret: LateSecret | None = field(default=None, repr=False)
    public_url: str = ""
    """The control plane's address that links begin with, without a trailing slash."""


class Webhook:
    """Implements `Outlet`: one request for each alert."""

    most = 1
    gap_s = 0.0

    def __init__(self, options: WebhookOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._host = urlsplit(options.url).hostname or "receiver"
        self._client = WebClient(self._host, ANSWER_S)

    @property
    def name(self) -> str:
        return f"{self._options.format.value} webhook {self._host}"

    async def send(self, alerts: Sequence[Alert]) -> Sent:
        (alert,) = alerts
        body = message(alert, self._options.format, self._options.public_url)
        headers = {"content-type": "application/json", "ringfence-id": _printable(alert.id)}
        try:
            if self._options.secret is not None:
                secret = (await self._options.secret()).reveal().encode()
                headers[HEADER] = signature(secret, self._clock.now() // 1000, body)
            return sent_of(await self._client.tell(self._options.url, headers, body))
        except UnavailableError as error:
            return Sent(Result.AGAIN, str(error))

    async def close(self) -> None:
        await self._client.close()


def webhook_notifier(options: WebhookOptions, clock: Clock) -> Delivery:
    """A notifier that posts to one receiver."""
    return Delivery(Webhook(options, clock), clock)


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isprintable())
