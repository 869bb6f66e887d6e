"""Signed JSON of strangers: read strictly, verified with a key that was chosen before the header was believed.

Source: RFC 7515 (JWS compact form), RFC 7517 and 7518 (keys), RFC 7638 (thumbprints), RFC 8037 (Ed25519), RFC 8725 (best
practices: one algorithm per key, no `none`, no HMAC, nothing that the header tells where to fetch).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAAlgorithm, RSAPSSAlgorithm

from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.errors import CredentialError, RequestError

PublicKey = ec.EllipticCurvePublicKey | Ed25519PublicKey | rsa.RSAPublicKey

_RSA_BITS: Final = (2048, 8192)
_RSA_EXPONENT_MOST: Final = (1 << 32) - 1
"""Larger ones make a verification as slow as whoever wrote the key likes."""
_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""The points of Ed25519 whose order divides 8, in every way of writing them, without the bit of the sign."""
_CURVES: Final[Mapping[str, tuple[ec.EllipticCurve, int]]] = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48)}
_ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    "ES256": ECAlgorithm(ECAlgorithm.SHA256),
    "ES384": ECAlgorithm(ECAlgorithm.SHA384),
    "EdDSA": OKPAlgorithm(),
    "Ed25519": OKPAlgorithm(),
    "RS256": RSAAlgorithm(RSAAlgorithm.SHA256),
    "RS384": RSAAlgorithm(RSAAlgorithm.SHA384),
    "RS512": RSAAlgorithm(RSAAlgorithm.SHA512),
    "PS256": RSAPSSAlgorithm(RSAPSSAlgorithm.SHA256),
    "PS384": RSAPSSAlgorithm(RSAPSSAlgorithm.SHA384),
    "PS512": RSAPSSAlgorithm(RSAPSSAlgorithm.SHA512),
}
_RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})


@dataclass(frozen=True, slots=True)
class Signed:
    """A compact JWS, read and not yet believed."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        alg = self.header.get("alg")
        return alg if isinstance(alg, str) else ""


def unbase64(text: str) -> bytes:
    """base64url without padding, in the one way of writing it. Raises: CredentialError."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise CredentialError("a part is not base64url") from error
    if base64url(raw) != text:
        raise CredentialError("a part is not base64url in its one form")
    return raw


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read_signed(token: str, most: int) -> Signed:
    """The parts of a compact JWS of at most so many characters. Raises: CredentialError."""
    if len(token) > most or not token.isascii():
        raise CredentialError(f"it is longer than {most} characters, or not ASCII")
    parts = token.split(".", 3)
    if len(parts) != 3:
        raise CredentialError("it does not have three parts")
    header, claims = _object(parts[0], "header"), _object(parts[1], "claims")
    if "crit" in header or "b64" in header:
        raise CredentialError("its header asks for an extension that is not understood")
    return Signed(header, claims, f"{parts[0]}.{parts[1]}".encode(), unbase64(parts[2]))


def verify(signed: Signed, key: PublicKey) -> None:
    """Check the signature with a key that admits the algorithm of the header. Raises: CredentialError."""
    if signed.algorithm not in algorithms_of(key):
        raise CredentialError(f"{signed.algorithm[:20]!r} is not an algorithm of its key")
    if not cast("Any", _ALGORITHMS[signed.algorithm]).verify(signed.signed, key, signed.signature):
        raise CredentialError("its signature does not hold")


def algorithms_of(key: PublicKey) -> frozenset[str]:
    """What one key may verify: its type decides, never the header of a token."""
    if isinstance(key, Ed25519PublicKey):
        return frozenset({"EdDSA", "Ed25519"})
    if isinstance(key, rsa.RSAPublicKey):
        return _RSA_ALGORITHMS
    return frozenset({"ES256" if isinstance(key.curve, ec.SECP256R1) else "ES384"})


def public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """The public key of a JWK. Raises: CredentialError for a symmetric or private one, and for what no key is."""
    if any(name in jwk for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")):
        raise CredentialError("a key shows private members")
    match jwk.get("kty"):
        case "EC":
            curve, size = _CURVES.get(_text(jwk, "crv"), (None, 0))
            if curve is None:
                raise CredentialError("a key is on a curve that is not accepted")
            x, y = _fixed(jwk, "x", size), _fixed(jwk, "y", size)
            try:
                return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve).public_key()
            except ValueError as error:
                raise CredentialError("a key is not on its curve") from error
        case "OKP":
            if jwk.get("crv") != "Ed25519":
                raise CredentialError("a key is on a curve that is not accepted")
            return _ed25519(_fixed(jwk, "x", 32))
        case "RSA":
            return _rsa(jwk)
        case _:
            raise CredentialError("a key is of a type that is not accepted")


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638: SHA-256 over the required members alone, base64url. Of a key that `public_key` accepted."""
    members = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    return base64url(hashlib.sha256(canonical_bytes({name: jwk[name] for name in members})).digest())


def _ed25519(raw: bytes) -> Ed25519PublicKey:
    # Under a point of small order one signature holds for every message, so that it is nobody's.
    if raw[:-1] + bytes([raw[-1] & 0x7F]) in _SMALL_ORDER:
        raise CredentialError("a key is a point of small order")
    return Ed25519PublicKey.from_public_bytes(raw)


def _rsa(jwk: Mapping[str, Any]) -> rsa.RSAPublicKey:
    n, e = int.from_bytes(unbase64(_text(jwk, "n"))), int.from_bytes(unbase64(_text(jwk, "e")))
    if not _RSA_BITS[0] <= n.bit_length() <= _RSA_BITS[1] or e > _RSA_EXPONENT_MOST:
        raise CredentialError("an RSA key is too small or too large")
    try:
        return rsa.RSAPublicNumbers(e, n).public_key()
    except ValueError as error:
        raise CredentialError("an RSA key is none") from error


def _object(part: str, what: str) -> dict[str, Any]:
    try:
        value = parse_strict(unbase64(part))
    except RequestError as error:
        raise CredentialError(f"its {what} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise CredentialError(f"its {what} is not an object")
    return cast("dict[str, Any]", value)


def _fixed(jwk: Mapping[str, Any], name: str, size: int) -> bytes:
    raw = unbase64(_text(jwk, name))
    if len(raw) != size:
        raise CredentialError(f"member {name} of a key has {len(raw)} bytes instead of {size}")
    return raw


def _text(jwk: Mapping[str, Any], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str) or len(value) > 2000:
        raise CredentialError(f"member {name} of a key is missing or too long")
    return value
