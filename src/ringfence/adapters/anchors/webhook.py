"""Heads posted to a receiver, signed as notifications are."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringfence.adapters.web.client import WebClient
from ringfence.adapters.wire.receiver import receiver_name
from ringfence.adapters.wire.webhook_signature import HEADER, signature
from ringfence.core.audit.checkpoint import Checkpoint
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.secrets import LateSecret

ANSWER_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadWebhookOptions:
    """One receiver. `repr` shows neither address nor secret."""

    url: str = field(repr=False)
    secret: LateSecret | None = field(default=None, repr=False)


class WebhookAnchor:
    """Implements `ports.anchor.Anchor`. Use inside one running loop. Only a 2xx answer counts as kept."""

    def __init__(self, options: HeadWebhookOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._name = receiver_name("webhook", options.url, shows_path=False)
        self._client = WebClient(self._name, ANSWER_S)

    @property
    def name(self) -> str:
        return self._name

    async def keep(self, note: str, checkpoint: Checkpoint) -> None:
        body = canonical_bytes({"v": 1, "kind": "log_head", "origin": checkpoint.origin, "size": checkpoint.size, "note": note})
        headers = {"content-type": "application/json", "ringfence-id": f"head:{checkpoint.size}"}
        if self._options.secret is not None:
            headers[HEADER] = signature((await self._options.secret()).reveal().encode(), self._clock.now() // 1000, body)
        status = await self._client.tell(self._options.url, headers, body)
        if not 200 <= status < 300:
            raise UnavailableError(f"{self.name} answered {status}")

    async def close(self) -> None:
        await self._client.close()
