"""Strict JSON in, RFC 8785 canonical JSON out."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ringfence.core.model import Digest
from ringfence.errors import RequestError


def parse_strict(data: bytes) -> Any:
    """The value of one JSON text, refusing whatever two parsers could read differently.

    Raises: RequestError, and nothing else, for any bytes.
    """
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RequestError("not JSON") from error


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(value: Any) -> Digest:
    """Lower-case hex SHA-256 over the canonical JSON of a value."""
    return Digest(hashlib.sha256(canonical_bytes(value)).hexdigest())
