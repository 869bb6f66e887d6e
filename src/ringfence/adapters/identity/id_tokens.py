"""An ID token: an issuer's word to this client about one person, a moment ago.

Source: OpenID Connect Core 1.0, sections 2 and 3.1.3.7; RFC 8725, sections 3.1, 3.9 and 3.11.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final

from ringfence.adapters.identity.jose import read_signed, verify
from ringfence.adapters.identity.key_sets import Keys, key_of
from ringfence.core.model.identifiers import Millis
from ringfence.errors import CredentialError

TOKEN_MOST: Final = 16_384
"""Characters: groups of a large organisation take room."""
SKEW_S: Final = 60
"""How far the issuer's clock may run ahead."""
OLD_S: Final = 600
"""How long ago it may have been made: it was asked for just now."""
LIFE_MOST_S: Final = 24 * 3600


async def judged(
    token: str, *, keys: Keys, issuer: str, client: str, nonce: str | None, algorithms: frozenset[str] | None, now: Millis
) -> Mapping[str, Any]:
    """The claims of a token that holds. `nonce` None: the grant has none. Raises: CredentialError."""
    signed = read_signed(token, TOKEN_MOST)
    kind = signed.header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower() != "jwt":
        raise CredentialError("its type is not that of an ID token")
    claims = signed.claims
    if claims.get("iss") != issuer:
        raise CredentialError("it is of another issuer")
    if algorithms is not None and signed.algorithm not in algorithms:
        raise CredentialError(f"the issuer does not sign with {signed.algorithm[:20]!r}")
    verify(signed, (await key_of(keys, signed)).public)
    # No other audience is trusted, so none may stand beside this client (3.1.3.7, number 3).
    if claims.get("aud") not in (client, [client]):
        raise CredentialError("it is for another audience")
    if claims.get("azp", client) != client:
        raise CredentialError("it was asked for by another client")
    if nonce is not None:
        said = claims.get("nonce")
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(errors="replace"), nonce.encode()):
            raise CredentialError("its nonce is not that of this login")
    _check_time(claims, now / 1000)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise CredentialError("it has no usable subject")
    return claims


def _check_time(claims: Mapping[str, Any], now_s: float) -> None:
    expires_s, issued_s = _moment(claims, "exp"), _moment(claims, "iat")
    if now_s >= expires_s:
        raise CredentialError("it has expired")
    if expires_s - now_s > LIFE_MOST_S:
        raise CredentialError(f"it lives for more than {LIFE_MOST_S // 3600} hours")
    if not now_s - OLD_S <= issued_s <= now_s + SKEW_S:
        raise CredentialError("it was not made just now")
    if "nbf" in claims and _moment(claims, "nbf") > now_s + SKEW_S:
        raise CredentialError("it does not count yet")


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise CredentialError(f"its {name} is no moment")
    return float(value)
