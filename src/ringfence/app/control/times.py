"""Times as people write and read them; inside, everything is milliseconds since the Unix epoch."""

from __future__ import annotations

from datetime import UTC, datetime

from ringfence.core.model.identifiers import Millis
from ringfence.errors import RequestError

_LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def iso(at: Millis | None) -> str | None:
    """RFC 3339 in UTC, to the millisecond."""
    if at is None:
        return None
    whole, rest = divmod(max(0, min(at, _LATEST)), 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def for_people(at: Millis) -> str:
    """Shorter, for pages."""
    return f"{datetime.fromtimestamp(max(0, min(at, _LATEST)) // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def read_time(text: str, name: str) -> Millis:
    """ISO 8601, or milliseconds since the Unix epoch. Without an offset it is UTC. Raises: RequestError."""
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        # A plus sign that was not percent-encoded arrives as a space; `fromisoformat` refuses it, which is the safe reading.
        return int(aware.timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise RequestError(f"`{name}` is no time", remedy="ISO 8601 such as 2027-01-15T09:30:00Z, or milliseconds") from error
