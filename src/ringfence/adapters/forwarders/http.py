"""OCSF events posted in batches, one JSON text a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ringfence.adapters.web.client import WebClient
from ringfence.adapters.wire.events import event_line
from ringfence.adapters.wire.receiver import receiver_name
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.audit import Record
from ringfence.ports.secrets import LateValues

ANSWER_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpForwarding:
    """One receiver. `repr` shows neither address nor headers."""

    url: str = field(repr=False)
    origin: str
    headers: LateValues | None = field(default=None, repr=False)
    bodies: bool = False


class HttpForwarder:
    """Implements `ports.forwarder.Forwarder`. Use inside one running loop. Only a 2xx answer takes a batch."""

    def __init__(self, options: HttpForwarding) -> None:
        self._options = options
        self._name = receiver_name("http", options.url, shows_path=True)
        self._client = WebClient(self._name, ANSWER_S)

    @property
    def name(self) -> str:
        return self._name

    async def send(self, records: Sequence[Record]) -> None:
        try:
            lines = [event_line(record.leaf, self._options.origin, bodies=self._options.bodies)[1] for record in records]
        except RequestError as error:
            raise UnavailableError(f"the log holds what is no entry: {error}") from error
        own = await self._options.headers.read() if self._options.headers is not None else {}
        headers = {
            **own,
            "content-type": "application/x-ndjson",
            "ringfence-first": records[0].id,
            "ringfence-last": records[-1].id,
        }
        body = b"\n".join(lines) + b"\n"
        status = await self._client.tell(self._options.url, headers, body)
        if not 200 <= status < 300:
            raise UnavailableError(f"{self._name} answered {status}")

    async def close(self) -> None:
        await self._client.close()
