"""DPoP: each request proves that its sender holds the key that its credential is bound to.

A proof counts once. Those that were used are remembered for as long as they could be used again, in this process; so one that
may have been made before this process began has to carry the process's own nonce.

Source: RFC 9449, sections 4.2, 4.3, 7, 9 and 11.1.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from typing import Any, Final, cast
from urllib.parse import urlsplit

from ringfence.adapters.identity.jose import Signed, base64url, public_key, read_signed, thumbprint, verify
from ringfence.core.model.binding import BindingKind, bound_to
from ringfence.core.model.identifiers import Millis
from ringfence.errors import CredentialError
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.identity import BadProof, Proven

PROOF_MOST: Final = 4096
"""Characters. An ES256 proof has about 500."""
JTI_MOST: Final = 256
BACK_S: Final = 60
AHEAD_S: Final = 10
"""How old a proof may be, and how far the client's clock may run ahead."""
KEY_MOST: Final = 20_000
MOST: Final = 400_000
"""Proofs that are remembered, of one key and of all together: about 280 bytes each."""
_PORTS: Final = {"http": 80, "https": 443}


class DpopProofs:
    """Implements `ringfence.ports.identity.Proofs`."""

    algorithms = ("ES256", "EdDSA", "Ed25519")

    def __init__(self, clock: Clock, entropy: Entropy, *, per_key: int = KEY_MOST, most: int = MOST) -> None:
        self._clock = clock
        self._began = clock.now()
        self._nonce = base64url(entropy.token(16))
        self._per_key = per_key
        self._most = most
        self._used: set[bytes] = set()
        self._order: deque[tuple[Millis, bytes, str]] = deque()
        self._counts: Counter[str] = Counter()

    def check(self, proof: str, *, method: str, url: str, credential: str) -> Proven | BadProof:
        try:
            signed = read_signed(proof, PROOF_MOST)
            key = self._key_of(signed)
            return self._judged(signed, key, method, url, credential)
        except CredentialError as error:
            return BadProof(f"DPoP proof: {error}")

    def first_use(self, proven: Proven) -> bool:
        now = self._clock.now()
        while self._order and self._order[0][0] <= now:
            _, mark, binding = self._order.popleft()
            self._used.discard(mark)
            self._counts[binding] -= 1
            if not self._counts[binding]:
                del self._counts[binding]
        if proven.mark in self._used or self._counts[proven.binding] >= self._per_key or len(self._used) >= self._most:
            return False
        self._used.add(proven.mark)
        # Later than any proof that is accepted now could still be: `iat` may lie ahead.
        self._order.append((now + (BACK_S + AHEAD_S + 1) * 1000, proven.mark, proven.binding))
        self._counts[proven.binding] += 1
        return True

    def _key_of(self, signed: Signed) -> dict[str, Any]:
        if signed.header.get("typ") != "dpop+jwt":
            raise CredentialError("its type is not dpop+jwt")
        if signed.algorithm not in self.algorithms:
            raise CredentialError(f"algorithm {signed.algorithm[:20]!r} is not accepted")
        jwk = signed.header.get("jwk")
        if not isinstance(jwk, dict):
            raise CredentialError("its header has no key")
        return cast("dict[str, Any]", jwk)

    def _judged(self, signed: Signed, jwk: dict[str, Any], method: str, url: str, credential: str) -> Proven | BadProof:
        verify(signed, public_key(jwk))
        claims = signed.claims
        if claims.get("htm") != method:
            raise CredentialError("it was made for another method")
        htu = claims.get("htu")
        if not isinstance(htu, str) or not htu.isprintable() or " " in htu or normal_url(htu) != normal_url(url):
            raise CredentialError("it was made for another URL")
        if claims.get("ath") != base64url(hashlib.sha256(credential.encode()).digest()):
            raise CredentialError("it was made for another credential")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 1 <= len(jti) <= JTI_MOST:
            raise CredentialError("it has no usable id")
        iat = claims.get("iat")
        if isinstance(iat, bool) or not isinstance(iat, int | float):
            raise CredentialError("it does not say when it was made")
        if fault := self._untimely(iat, claims.get("nonce")):
            return fault
        binding = bound_to(BindingKind.KEY, thumbprint(jwk))
        return Proven(binding=binding, mark=hashlib.sha256(f"{binding} {jti}".encode(errors="replace")).digest()[:16])

    def _untimely(self, iat: float, nonce: Any) -> BadProof | None:
        now = self._clock.now() / 1000
        if not now - BACK_S <= iat <= now + AHEAD_S:
            return BadProof(f"DPoP proof: it was made {now - iat:.0f} s ago")
        if nonce is not None and nonce != self._nonce:
            return BadProof("DPoP proof: its nonce is not this process's", self._nonce)
        # One whose `iat` lay ahead may have been used before this process began, though it says to be from after that.
        if nonce is None and iat <= self._began / 1000 + AHEAD_S:
            return BadProof("DPoP proof: it may have been used before this process began", self._nonce)
        return None


def normal_url(url: str) -> tuple[str, str, int | None, str] | None:
    """What two URLs have to agree in: no query, no fragment (RFC 9449, section 4.3; RFC 3986, section 6.2). None: no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _PORTS or not host or "@" in parts.netloc:
        return None
    return scheme, host, port if port is not None else _PORTS[scheme], parts.path or "/"
