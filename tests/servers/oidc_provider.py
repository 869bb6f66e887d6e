"""A small OpenID provider on loopback: discovery, keys, codes with PKCE, the device grant. It lets in whom the test says."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ringfence.adapters.identity.jose import base64url
from ringfence.app.control.server import ControlServer, listen_tcp
from ringfence.testing.keys import SigningKey

CLIENT, SECRET = "ringfence+people", "s3cret:with/odd characters"
USER_CODE = "WDJB-MJHT"
_KEY = SigningKey("rsa", "one")


@dataclass
class Provider:
    """What it says is what the fields say; `sign` and `claims` are where a test makes it lie."""

    now_s: Callable[[], int]
    url: str = ""
    key: SigningKey = _KEY
    published: list[SigningKey] = field(default_factory=lambda: [_KEY])
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "u-17", "groups": ["staff"]})
    """Who is logged in there, in claims."""
    claims: Callable[[dict[str, Any]], dict[str, Any]] = dict
    sign: Callable[[SigningKey, dict[str, Any]], str] = lambda key, claims: key.sign(claims, {"kid": key.kid, "typ": "JWT"})
    document: dict[str, Any] = field(default_factory=dict[str, Any])
    """What its discovery document says besides, or instead."""
    secret: str | None = SECRET
    approved: bool | None = None
    """What the person did with the device's code."""
    broken: bool = False
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    """What came to the token endpoint: status of the answer, form."""
    stop: Callable[[], Awaitable[None]] | None = None
    """End it before its block does."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    async def discovery(self, _: Request) -> Response:
        if self.broken:
            return Response(status_code=503)
        said = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?tenant=one",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "device_authorization_endpoint": f"{self.url}/device",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.document,
        }
        return JSONResponse({name: value for name, value in said.items() if value is not None})

    async def keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [key.published for key in self.published]})

    async def authorize(self, request: Request) -> Response:
        """As if the person were logged in there already."""
        asked = dict(request.query_params)
        assert asked["tenant"] == "one"
        assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.url, "session_state": "unknown to us"}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def device(self, request: Request) -> Response:
        if not self._is_client(request, _form(await request.body())):
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse(
            {
                "device_code": "the-device-code",
                "user_code": USER_CODE,
                "verification_uri": f"{self.url}/activate",
                "expires_in": 600,
                "interval": 5,
            }
        )

    async def token(self, request: Request) -> Response:
        if self.broken:
            return Response("<html>", 502)
        form = _form(await request.body())
        status, answer = self._redeemed(request, form)
        self.asked.append((str(status), form))
        return JSONResponse(answer, status)

    def _redeemed(self, request: Request, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not self._is_client(request, form):
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code":
            if form["device_code"] != "the-device-code":
                return 400, {"error": "invalid_grant"}
            if not self.approved:
                return 400, {"error": "authorization_pending" if self.approved is None else "access_denied"}
            return 200, self._answer({})
        asked = self._codes.pop(form["code"], None)
        challenge = base64url(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or asked["redirect_uri"] != form["redirect_uri"] or asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        return 200, self._answer({"nonce": asked["nonce"]})

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        if self.secret is None:
            return form.get("client_id") == CLIENT and "client_secret" not in form
        if "client_secret" in form:
            return (form["client_id"], form["client_secret"]) == (CLIENT, self.secret)
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(value).decode().partition(":")
        return scheme == "Basic" and (unquote_plus(name), unquote_plus(secret)) == (CLIENT, self.secret)

    def _answer(self, more: dict[str, Any]) -> dict[str, Any]:
        now = self.now_s()
        said = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, **self.person, **more}
        token = self.sign(self.key, self.claims(said))
        return {"id_token": token, "access_token": "not for us", "token_type": "Bearer", "expires_in": 300}


def _form(body: bytes) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in body.decode().split("&"))
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}


@asynccontextmanager
async def provider(now_s: Callable[[], int]) -> AsyncGenerator[Provider]:
    """Served on a free port of loopback."""
    known = Provider(now_s)
    routes = [
        Route("/.well-known/openid-configuration", known.discovery),
        Route("/keys", known.keys),
        Route("/authorize", known.authorize),
        Route("/device", known.device, methods=["POST"]),
        Route("/token", known.token, methods=["POST"]),
    ]
    server = ControlServer(Starlette(routes=routes), listen_tcp("127.0.0.1", 0))
    await server.start()
    known.stop = server.stop
    known.url = f"http://127.0.0.1:{server.port}"
    try:
        yield known
    finally:
        await server.stop()
