"""A small authorization server: Starlette on uvicorn, one token endpoint that exchanges tokens as RFC 8693 says."""

import asyncio
import base64
import binascii
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote_plus

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "gate+way/%", "exchange secret/0001"
"""With signs that have to be escaped in `Authorization: Basic`."""
ACCESS = "urn:ietf:params:oauth:token-type:access_token"


@dataclass
class TokenEndpoint:
    """What it was asked, and what it answers to a client that it knows."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    heads: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    issued: list[str] = field(default_factory=list[str])
    changes: dict[str, object] = field(default_factory=dict[str, object])
    """Members of the answer that are others; None: left out."""
    instead: Callable[[], Response] | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing is answered before it is set."""
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode(), strict_parsing=True).items()}
        self.asked.append(form)
        self.heads.append(dict(request.headers))
        self.was_asked.set()
        await self.gate.wait()
        if self.instead is not None:
            return self.instead()
        if self._client(request, form) != (CLIENT, SECRET):
            return JSONResponse({"error": "invalid_client", "error_description": form["subject_token"]}, 401)
        if form["grant_type"] != "urn:ietf:params:oauth:grant-type:token-exchange" or form["subject_token_type"] != ACCESS:
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        self.issued.append(f"exchanged-{len(self.issued)}-for-{form.get('audience', form.get('resource', '')).encode().hex()}")
        answer: dict[str, object] = {
            "access_token": self.issued[-1],
            "issued_token_type": ACCESS,
            "token_type": "Bearer",
            "expires_in": 300,
            **self.changes,
        }
        return JSONResponse({name: value for name, value in answer.items() if value is not None})

    def _client(self, request: Request, form: dict[str, str]) -> tuple[str, str]:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind != "Basic":
            return form.get("client_id", ""), form.get("client_secret", "")
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return unquote_plus(name), unquote_plus(secret)


@asynccontextmanager
async def token_endpoint() -> AsyncGenerator[TokenEndpoint]:
    """One on a free port for the length of the block."""
    endpoint = TokenEndpoint()
    app = Starlette(routes=[Route("/token", endpoint.token, methods=["POST"])])
    listening = socket.create_server(("127.0.0.1", 0))
    endpoint.url = f"http://127.0.0.1:{listening.getsockname()[1]}/token"
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=2))
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield endpoint
    finally:
        endpoint.gate.set()
        server.should_exit = True
        await serving
