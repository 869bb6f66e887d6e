"""Entries as the lines that SIEMs take. Bytes to bytes, no I/O."""

from __future__ import annotations

import json
from typing import Any

from ringfence.core.audit.ocsf import ocsf_event
from ringfence.errors import RequestError


def event_line(leaf: bytes, origin: str, *, bodies: bool) -> tuple[dict[str, Any], bytes]:
    """The event and its JSON on one line, in ASCII. Raises: RequestError where the leaf is no entry."""
    try:
        event = ocsf_event(json.loads(leaf), leaf, origin, bodies=bodies)
        return event, as_line(event)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestError(f"not an entry: {error}") from error


def as_line(event: dict[str, Any]) -> bytes:
    """JSON in ASCII, so that no receiver has to guess."""
    return json.dumps(event, separators=(",", ":")).encode("ascii")
