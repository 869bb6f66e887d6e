"""What clients carry for us: sealed, so that they can neither read nor bend it. The key lives and dies with the process.

It holds no authority: whoever presents it still has to present the run's credential and the same request.

Source: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.errors import RequestError
from ringfence.ports.entropy import Entropy

_MARK = "v1."
_NONCE = 12
LONGEST = 4096
"""Characters of what a client may present."""


class Seal:
    """Seals lists of JSON values for one purpose; what was sealed for another does not open."""

    def __init__(self, entropy: Entropy, purpose: str) -> None:
        self._aead = AESGCM(entropy.token(32))
        self._entropy = entropy
        self._purpose = f"ringfence {purpose} v1".encode()

    def seal(self, *fields: Any) -> str:
        """An opaque string for the client. No two are alike."""
        nonce = self._entropy.token(_NONCE)
        sealed = self._aead.encrypt(nonce, canonical_bytes(list(fields)), self._purpose)
        return _MARK + base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, text: str) -> tuple[bytes, list[Any]] | None:
        """What was sealed here, with the nonce that names it; None for anything else."""
        if not text.startswith(_MARK) or not text.isascii() or len(text) > LONGEST:
            return None
        body = text.removeprefix(_MARK).encode()
        try:
            raw = base64.b64decode(body + b"=" * (-len(body) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        if base64.urlsafe_b64encode(raw).rstrip(b"=") != body:
            return None
        nonce, sealed = raw[:_NONCE], raw[_NONCE:]
        try:
            return nonce, cast("list[Any]", parse_strict(self._aead.decrypt(nonce, sealed, self._purpose)))
        except (InvalidTag, RequestError, ValueError):
            return None
