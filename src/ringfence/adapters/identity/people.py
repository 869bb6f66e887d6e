"""The issuer that people log in at: authorization code with PKCE, and the device grant.

Source: OpenID Connect Core 1.0, section 3.1; RFC 6749; RFC 7636; RFC 8628; RFC 9207.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

from ringfence.adapters.identity.discovery import DOCUMENT_MOST, Endpoints, discovery_url, is_safe_url, read_discovery
from ringfence.adapters.identity.id_tokens import judged
from ringfence.adapters.identity.key_sets import Keys, RemoteKeys
from ringfence.adapters.web.client import WebClient
from ringfence.core.model.people import Person
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import CredentialError, RequestError, UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.people import DeviceCode, NoPerson, Offer, Waiting
from ringfence.ports.secrets import LateSecret, Secret

FRESH_S: Final = 3600.0
"""How long the issuer's document is used without asking again."""
AGAIN_S: Final = 2.0
"""Between two tries while the issuer does not answer."""
ANSWER_MOST: Final = 128 * 1024
_ANSWER_S: Final = 8.0
_JSON: Final = {"accept": "application/json"}
BUSY: Final = 32
"""Questions to the issuer at the same time, whoever caused them."""
_DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleOptions:
    """The gateway as a client of one issuer."""

    issuer: str
    client: str
    secret: LateSecret | None
    """None: a public client."""
    scopes: tuple[str, ...]
    redirect_uri: str
    label: str


@dataclass(frozen=True, slots=True)
class _Known:
    """An issuer as it was found."""

    options: PeopleOptions
    endpoints: Endpoints
    keys: Keys
    until: float


class OidcPeople:
    """Implements `ringfence.ports.people.PeopleIssuer`."""

    def __init__(self, options: PeopleOptions | None, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._web = WebClient("the issuer", _ANSWER_S, quotes_errors=True)
        self._known: _Known | None = None
        self._failed: tuple[float, str] | None = None
        self._finding = asyncio.Lock()
        self._asking = 0
        self._left: list[Keys] = []

    def replace(self, options: PeopleOptions | None) -> None:
        """Ask this one from now on."""
        self._options = options
        self._failed = None
        self._forget()

    async def close(self) -> None:
        self._forget()
        for keys in self._left:
            await keys.close()
        await self._web.close()

    @property
    def offer(self) -> Offer | None:
        options = self._options
        if options is None:
            return None
        return Offer(issuer=options.issuer, client=options.client, label=options.label, redirect_uri=options.redirect_uri)

    async def address(self, *, state: str, nonce: str, challenge: str) -> str | NoPerson:
        try:
            known = await self._found()
        except UnavailableError as error:
            return NoPerson(str(error), unavailable=True)
        asked = {
            "response_type": "code",
            "client_id": known.options.client,
            "redirect_uri": known.options.redirect_uri,
            "scope": " ".join(known.options.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        parts = urlsplit(known.endpoints.authorization)
        query = urlencode(asked)
        return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))

    async def says_issuer(self, issuer: str | None) -> NoPerson | None:
        try:
            known = await self._found()
        except UnavailableError as error:
            return NoPerson(str(error), unavailable=True)
        if issuer is None:
            return NoPerson("the answer does not say whose it is") if known.endpoints.names_itself else None
        return None if issuer == known.options.issuer else NoPerson("the answer is of another issuer")

    async def redeem(self, code: str, *, verifier: str, nonce: str) -> Person | NoPerson:
        try:
            known = await self._found()
            form = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": known.options.redirect_uri,
                "code_verifier": verifier,
            }
            status, said = await self._post(known, known.endpoints.token, form)
            if status != 200:
                return NoPerson(f"the issuer did not take the code: {_error(said)}")
            return await self._person(known, said, nonce)
        except UnavailableError as error:
            return NoPerson(str(error), unavailable=True)
        except CredentialError as error:
            return NoPerson(f"ID token: {error}")

    async def device(self) -> DeviceCode | NoPerson:
        try:
            known = await self._found()
            if not known.endpoints.device:
                return NoPerson("the issuer has no device grant (RFC 8628)")
            status, said = await self._post(known, known.endpoints.device, {"scope": " ".join(known.options.scopes)})
        except UnavailableError as error:
            return NoPerson(str(error), unavailable=True)
        if status != 200:
            return NoPerson(f"the issuer begins no login for devices: {_error(said)}")
        return _device_code(said, known.options.issuer) or NoPerson("the issuer's answer for devices cannot be read")

    async def redeem_device(self, code: Secret) -> Person | Waiting | NoPerson:
        try:
            known = await self._found()
            form = {"grant_type": _DEVICE_GRANT, "device_code": code.reveal()}
            status, said = await self._post(known, known.endpoints.token, form)
            if status == 200:
                return await self._person(known, said, None)
        except UnavailableError as error:
            return NoPerson(str(error), unavailable=True)
        except CredentialError as error:
            return NoPerson(f"ID token: {error}")
        match _error(said):
            case "authorization_pending":
                return Waiting()
            case "slow_down":
                return Waiting(slower=True)
            case other:
                return NoPerson(f"the login was not finished: {other}")

    async def _person(self, known: _Known, said: Mapping[str, Any], nonce: str | None) -> Person:
        token = said.get("id_token")
        if not isinstance(token, str):
            raise CredentialError("there is none in the issuer's answer")
        claims = await judged(
            token,
            keys=known.keys,
            issuer=known.options.issuer,
            client=known.options.client,
            nonce=nonce,
            algorithms=known.endpoints.algorithms,
            now=self._clock.now(),
        )
        return Person(issuer=known.options.issuer, client=known.options.client, claims=claims)

    async def _post(self, known: _Known, url: str, form: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        """Status and object of one answer. Raises: UnavailableError."""
        options = known.options
        sent, headers = dict(form), dict[str, str]()
        if options.secret is None:
            sent["client_id"] = options.client
        else:
            secret = (await options.secret()).reveal()
            if known.endpoints.secret_in_body:
                sent |= {"client_id": options.client, "client_secret": secret}
            else:
                # Both are form-encoded first (RFC 6749, section 2.3.1).
                pair = f"{quote_plus(options.client)}:{quote_plus(secret)}"
                headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        if self._asking >= BUSY:
            raise UnavailableError("too many logins are under way")
        self._asking += 1
        try:
            answered = await self._web.post(url, _JSON | headers, sent, most=ANSWER_MOST)
        finally:
            self._asking -= 1
        if answered.status not in (200, 400, 401, 403, 429):
            raise UnavailableError(f"the issuer answers with status {answered.status}")
        try:
            value = parse_strict(answered.body)
        except RequestError as error:
            raise UnavailableError(f"the issuer's answer cannot be read: {error}") from error
        if not isinstance(value, dict):
            raise UnavailableError("the issuer's answer is not an object")
        return answered.status, cast("dict[str, Any]", value)

    async def _found(self) -> _Known:
        """The issuer, asked for its document where that is old. Raises: UnavailableError."""
        async with self._finding:
            options, now = self._options, self._clock.monotonic()
            if options is None:
                raise UnavailableError("no issuer is configured that people log in at")
            known = self._known
            if known is not None and known.options == options and now < known.until:
                return known
            if self._failed is not None and now < self._failed[0]:
                raise UnavailableError(self._failed[1])
            try:
                endpoints = await self._discover(options)
            except UnavailableError as error:
                self._failed = (self._clock.monotonic() + AGAIN_S, str(error))
                raise
            self._failed = None
            same = known is not None and known.options == options and known.endpoints.keys == endpoints.keys
            keys = known.keys if known is not None and same else RemoteKeys(endpoints.keys, self._clock)
            if not same:
                self._forget()
            found = _Known(options, endpoints, keys, now + FRESH_S)
            # What was asked of an issuer that is configured no longer counts for this login only.
            if self._options is options:
                self._known = found
            else:
                self._left.append(keys)
            return found

    async def _discover(self, options: PeopleOptions) -> Endpoints:
        answered = await self._web.get(discovery_url(options.issuer), _JSON, most=DOCUMENT_MOST)
        if answered.status != 200:
            raise UnavailableError(f"the issuer's document cannot be had: status {answered.status}")
        try:
            return read_discovery(answered.body, options.issuer)
        except RequestError as error:
            raise UnavailableError(f"the issuer's document cannot be used: {error}") from error

    def _forget(self) -> None:
        if self._known is not None:
            self._left.append(self._known.keys)
            self._known = None


def _error(said: Mapping[str, Any]) -> str:
    error = said.get("error")
    return error[:60] if isinstance(error, str) and error.isascii() and error.isprintable() else "no reason given"


def _device_code(said: Mapping[str, Any], issuer: str) -> DeviceCode | None:
    code, user_code, uri = said.get("device_code"), said.get("user_code"), said.get("verification_uri")
    whole = said.get("verification_uri_complete", "")
    life, interval = said.get("expires_in"), said.get("interval", 5)
    if not isinstance(code, str) or not 0 < len(code) <= 4096:
        return None
    if not isinstance(user_code, str) or not 0 < len(user_code) <= 64 or not user_code.isascii() or not user_code.isprintable():
        return None
    if not isinstance(uri, str) or not is_safe_url(uri, issuer):
        return None
    if isinstance(life, bool) or not isinstance(life, int | float) or isinstance(interval, bool):
        return None
    if not isinstance(interval, int | float):
        return None
    return DeviceCode(
        code=Secret(code),
        user_code=user_code,
        uri=uri,
        complete_uri=whole if isinstance(whole, str) and is_safe_url(whole, issuer) else "",
        interval_s=min(60.0, max(1.0, float(interval))),
        life_s=min(1800.0, max(0.0, float(life))),
    )
