"""How a webhook is signed, so that its receiver knows who sent it and when.

The header `ringfence-signature: t=SECONDS,v1=HEX` holds HMAC-SHA256 (RFC 2104) over `SECONDS`, a full stop and the body's exact
bytes. A receiver computes the same, compares in constant time, and refuses what is older than a few minutes.
"""

from __future__ import annotations

import hashlib
import hmac

HEADER = "ringfence-signature"


def signature(secret: bytes, seconds: int, body: bytes) -> str:
    """The header's value."""
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
