"""Access tokens of configured issuers and certificates of configured subjects, mapped to agents. Nobody else is anybody.

Source: RFC 9068 (JWT access tokens), RFC 8725 (JWT best practices), RFC 8705 and RFC 9449 (confirmation of the sender), SPIFFE
X.509-SVID.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from ringfence.adapters.identity.jose import Signed, read_signed, verify
from ringfence.adapters.identity.key_sets import FileKeys, Keys, RemoteKeys, key_of
from ringfence.core.model.binding import BindingKind, bound_to, is_binding
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.issuer import Believed, Issuer
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import CredentialError
from ringfence.ports.clock import Clock
from ringfence.ports.identity import Outsider
from ringfence.ports.secrets import Secret

TOKEN_MOST: Final = 8192
NAME_MOST: Final = 255
"""Characters of a subject or client (OpenID Connect Core, section 2)."""
SKEW_S: Final = 60
"""How far an issuer's clock may run ahead. Nothing is accepted after its `exp`."""
LIFE_MOST_S: Final = 24 * 3600
"""A token that lives longer is no access token."""
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})
_CONFIRMATIONS: Final = {"jkt": BindingKind.KEY, "x5t#S256": BindingKind.CERTIFICATE}


class Authorities:
    """Implements `ringfence.ports.identity.Outside`."""

    def __init__(self, options: Believed, clock: Clock) -> None:
        self._clock = clock
        self._options = Believed()
        self._issuers: dict[str, Issuer] = {}
        self._keys: dict[str, Keys] = {}
        self._left: list[Keys] = []
        self.replace(options)

    def replace(self, options: Believed) -> None:
        """Believe these from now on. Keys are kept where they come from the same place."""
        before, known = self._issuers, self._keys
        self._options = options
        self._issuers = {issuer.url: issuer for issuer in options.issuers}
        self._keys = {}
        for url, issuer in self._issuers.items():
            old = before.get(url)
            same = old is not None and (old.file, old.jwks_url) == (issuer.file, issuer.jwks_url)
            self._keys[url] = known.pop(url) if same else self._keys_of(issuer)
        self._left.extend(known.values())

    async def close(self) -> None:
        for keys in (*self._keys.values(), *self._left):
            await keys.close()

    async def by_token(self, token: str) -> Outsider | str:
        try:
            signed = read_signed(token, TOKEN_MOST)
            return replace(await self._judged(signed), token=Secret(token))
        except CredentialError as error:
            return f"access token: {error}"

    def by_certificate(self, uris: Sequence[str], thumbprint: str, until: Millis) -> Outsider | str:
        # An SVID has exactly one URI (X.509-SVID, section 2); of several, nobody could say which one acts.
        if len(uris) != 1:
            return f"client certificate: {len(uris)} URIs among its names"
        agent = self._options.certificates.get(uris[0])
        if agent is None:
            return f"client certificate: {uris[0][:200]} maps to no agent"
        return Outsider(
            subject=uris[0],
            agent=agent,
            until=until,
            binding=bound_to(BindingKind.CERTIFICATE, thumbprint),
            still=lambda: self._options.certificates.get(uris[0]) == agent,
        )

    async def _judged(self, signed: Signed) -> Outsider:
        claims = signed.claims
        issuer = self._issuers.get(claims["iss"]) if isinstance(claims.get("iss"), str) else None
        if issuer is None:
            raise CredentialError("its issuer is not configured")
        kind = signed.header.get("typ", "jwt")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise CredentialError("its type is not that of an access token")
        verify(signed, (await key_of(self._keys[issuer.url], signed)).public)
        if not _is_for(claims.get("aud"), issuer.audience):
            raise CredentialError("it is for another audience")
        expires_s = self._lifetime(claims)
        client = claims.get("client_id", claims.get("azp", ""))
        agent = agent_of(issuer, claims)
        if agent is None:
            raise CredentialError("its claims map to no agent, or to several")
        return Outsider(
            subject=canonical_bytes([issuer.url, _name(client, "client"), _name(claims.get("sub"), "subject")]).decode(),
            agent=agent,
            until=int(expires_s * 1000),
            binding=_binding(claims.get("cnf")),
            still=partial(self._still, issuer.url, claims, agent),
        )

    def _lifetime(self, claims: Mapping[str, Any]) -> float:
        now_s = self._clock.now() / 1000
        expires_s = _moment(claims, "exp")
        if expires_s is None:
            raise CredentialError("it does not say when it expires")
        if now_s >= expires_s:
            raise CredentialError("it has expired")
        if expires_s - now_s > LIFE_MOST_S:
            raise CredentialError(f"it lives for more than {LIFE_MOST_S // 3600} hours")
        for name in ("nbf", "iat"):
            at = _moment(claims, name)
            if at is not None and at > now_s + SKEW_S:
                raise CredentialError(f"its {name} lies ahead")
        return expires_s

    def _still(self, url: str, claims: Mapping[str, Any], agent: str) -> bool:
        issuer = self._issuers.get(url)
        return issuer is not None and _is_for(claims.get("aud"), issuer.audience) and agent_of(issuer, claims) == agent

    def _keys_of(self, issuer: Issuer) -> Keys:
        return FileKeys(Path(issuer.file)) if issuer.file else RemoteKeys(issuer.jwks_url, self._clock)


def agent_of(issuer: Issuer, claims: Mapping[str, Any]) -> str | None:
    """The one agent that the claims map to. Claims that map to different agents map to none."""
    found: set[str] = set()
    for claim, agents in issuer.agents.items():
        value = claims.get(claim)
        if isinstance(value, str) and value in agents:
            found.add(agents[value])
    return found.pop() if len(found) == 1 else None


def _is_for(audience: Any, ours: str) -> bool:
    return audience == ours or (isinstance(audience, list) and ours in cast("list[Any]", audience))


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise CredentialError(f"its {name} is no moment")
    return float(value)


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > NAME_MOST or (what == "subject" and not value):
        raise CredentialError(f"its {what} is missing or too long")
    return value


def _binding(confirmation: Any) -> str:
    """To whom a token is bound (RFC 7800). A way of binding that is not understood is no reason to accept it from anybody."""
    if confirmation is None:
        return ""
    if isinstance(confirmation, dict):
        members = cast("dict[str, Any]", confirmation)
        kind = _CONFIRMATIONS.get(next(iter(members), "")) if len(members) == 1 else None
        value = next(iter(members.values()), None)
        if kind is not None and isinstance(value, str) and is_binding(binding := bound_to(kind, value)):
            return binding
    raise CredentialError("it is bound in a way that is not understood")
