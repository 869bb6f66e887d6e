"""OAuth 2.0 Token Exchange: the caller's access token in, a token for one server out.

Source: RFC 8693; client authentication of RFC 6749, section 2.3.1. Nothing of an answer is ever quoted but its error code.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, cast
from urllib.parse import quote_plus

from ringfence.adapters.web.client import WebAnswer, WebClient
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.exchange import Exchanged
from ringfence.ports.secrets import LateSecret, Secret

ANSWER_S: Final = 8.0
ANSWER_MOST: Final = 64 * 1024
LIFE_MOST_S: Final = 24 * 3600
"""A token that claims to live longer is looked at as if it lived so long."""
_GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_KINDS: Final = "urn:ietf:params:oauth:token-type:"
_GIVEN: Final = (f"{_KINDS}access_token", f"{_KINDS}jwt")
_BEARER: Final = re.compile(r"[A-Za-z0-9._~+/-]{1,16384}=*")
"""RFC 6750, section 2.1."""
_ERROR: Final = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}")
"""RFC 6749, section 5.2."""


class ClientAuth(StrEnum):
    """How the gateway shows who it is."""

    BASIC = "basic"
    POST = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOptions:
    """One server's exchange. At least one of `audience` and `resource` is given."""

    token_url: str
    client_id: str
    client_secret: LateSecret = field(repr=False)
    client_auth: ClientAuth = ClientAuth.BASIC
    audience: str = ""
    resource: str = ""
    scope: str = ""
    subject_kind: str = "access_token"
    actor: LateSecret | None = field(default=None, repr=False)
    actor_kind: str = "access_token"


class Rfc8693Exchange:
    """Implements `ringfence.ports.exchange.TokenExchange`."""

    def __init__(self, options: ExchangeOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock

    @property
    def target(self) -> str:
        return self._options.audience or self._options.resource

    async def exchange(self, subject: Secret) -> Exchanged:
        form = await self._form(subject)
        asked = self._clock.now()
        answered = await self._post(form, await self._client(form))
        status = answered.status
        try:
            answer: Any = parse_strict(answered.body)
        except RequestError:
            answer = None
        if not isinstance(answer, dict):
            raise UnavailableError(f"{self._where} answered with HTTP status {status} and no JSON object")
        said = cast("dict[str, Any]", answer)
        if status != 200:
            code = said.get("error")
            known = code if isinstance(code, str) and _ERROR.fullmatch(code) else f"HTTP status {status}"
            raise UnavailableError(f"{self._where} refuses to exchange the caller's token: {known}")
        return self._taken(said, subject, asked)

    def _taken(self, said: dict[str, Any], subject: Secret, asked: int) -> Exchanged:
        """Raises UnavailableError where the answer is not what was asked for (RFC 8693, section 2.2.1)."""
        token, kind, life_s = said.get("access_token"), said.get("token_type"), said.get("expires_in")
        if said.get("issued_token_type") not in _GIVEN:
            raise UnavailableError(f"{self._where} gave something else than an access token")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise UnavailableError(f"{self._where} gave a token that is no bearer token")
        if not isinstance(token, str) or _BEARER.fullmatch(token) is None:
            raise UnavailableError(f"{self._where} gave no token that a header can carry")
        if token == subject.reveal():
            raise UnavailableError(f"{self._where} gave the caller's own token back")
        if self._options.scope and not self._is_within(said.get("scope", self._options.scope)):
            raise UnavailableError(f"{self._where} gave a token of a wider scope than was asked for")
        if life_s is None:
            return Exchanged(Secret(token), None)
        if isinstance(life_s, bool) or not isinstance(life_s, int | float) or life_s <= 0:
            raise UnavailableError(f"{self._where} gave a token whose life is none")
        return Exchanged(Secret(token), asked + int(min(life_s, LIFE_MOST_S) * 1000))

    def _is_within(self, scope: Any) -> bool:
        return isinstance(scope, str) and set(scope.split()) <= set(self._options.scope.split())

    async def _form(self, subject: Secret) -> dict[str, str]:
        options = self._options
        form = {
            "grant_type": _GRANT,
            "subject_token": subject.reveal(),
            "subject_token_type": _KINDS + options.subject_kind,
            "requested_token_type": f"{_KINDS}access_token",
        }
        for name in ("audience", "resource", "scope"):
            if value := str(getattr(options, name)):
                form[name] = value
        if options.actor is not None:
            form |= {"actor_token": (await options.actor()).reveal(), "actor_token_type": _KINDS + options.actor_kind}
        return form

    async def _client(self, form: dict[str, str]) -> dict[str, str]:
        """The headers that say who asks; or the same in the form."""
        options = self._options
        secret = (await options.client_secret()).reveal()
        if options.client_auth is ClientAuth.POST:
            form |= {"client_id": options.client_id, "client_secret": secret}
            return {}
        both = f"{quote_plus(options.client_id)}:{quote_plus(secret)}"
        return {"authorization": f"Basic {base64.b64encode(both.encode()).decode('ascii')}"}

    async def _post(self, form: dict[str, str], headers: dict[str, str]) -> WebAnswer:
        client = WebClient(self._where, ANSWER_S)
        try:
            return await client.post(self._options.token_url, {"accept": "application/json", **headers}, form, most=ANSWER_MOST)
        finally:
            await client.close()

    @property
    def _where(self) -> str:
        return f"the authorization server at {self._options.token_url}"
