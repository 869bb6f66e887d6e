"""Keys of clients and issuers, and what they sign: proofs and tokens, right ones and wrong ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.api_jws import PyJWS

from ringfence.adapters.identity.jose import base64url, thumbprint

PrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey | rsa.RSAPrivateKey

_serial = count(1)


class SigningKey:
    """One private key. `kind`: `ec`, `ec384`, `ed` or `rsa`."""

    def __init__(self, kind: str = "ec", kid: str = "k1") -> None:
        self.private: PrivateKey
        match kind:
            case "ec":
                self.private, self.algorithm = ec.generate_private_key(ec.SECP256R1()), "ES256"
            case "ec384":
                self.private, self.algorithm = ec.generate_private_key(ec.SECP384R1()), "ES384"
            case "ed":
                self.private, self.algorithm = Ed25519PrivateKey.generate(), "EdDSA"
            case _:
                self.private, self.algorithm = rsa.generate_private_key(65537, 2048), "RS256"
        self.kid = kid

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key."""
        public = self.private.public_key()
        match public:
            case ec.EllipticCurvePublicKey():
                value = ECAlgorithm.to_jwk(public, as_dict=True)
            case rsa.RSAPublicKey():
                value = RSAAlgorithm.to_jwk(public, as_dict=True)
            case _:
                value = OKPAlgorithm.to_jwk(public, as_dict=True)
        return {name: member for name, member in value.items() if name not in ("key_ops", "alg", "use")}

    @property
    def published(self) -> dict[str, Any]:
        """The public key as an issuer's key set has it."""
        return {**self.jwk, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    @property
    def binding(self) -> str:
        return f"jkt:{thumbprint(self.jwk)}"

    def sign(self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
        """A compact JWS."""
        given = dict(header or {})
        algorithm = given.pop("alg", self.algorithm)
        return PyJWS().encode(json.dumps(dict(claims)).encode(), self.private, algorithm, headers=given)

    def proof(self, method: str, url: str, credential: str, now_ms: int, **claims: Any) -> str:
        """A DPoP proof (RFC 9449, section 4.2); a claim that is None is left out."""
        said = {
            "jti": f"proof-{next(_serial)}",
            "htm": method,
            "htu": url,
            "iat": now_ms // 1000,
            "ath": base64url(hashlib.sha256(credential.encode()).digest()),
            **claims,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        return self.sign(kept, {"typ": "dpop+jwt", "jwk": self.jwk})
