"""The SDK's reference server as it is, counting what reaches it.

Run as `python reference_server.py LOG`, with the server's own folder on PYTHONPATH. Prints its port once it listens. Each
JSON-RPC request becomes one line of LOG: method, name, and whether it only goes on with a call that it has been asked before.
"""

import asyncio
import importlib
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

NAMES = ("name", "uri")


def counting(app: Asgi, log: int) -> Asgi:
    """The application, each request body of which is written down before it is answered."""

    async def counted(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        body = bytearray()

        async def read() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            if message["type"] == "http.request" and not message.get("more_body", False):
                note(log, bytes(body))
            return message

        await app(scope, read, send)

    return counted


def note(log: int, body: bytes) -> None:
    """One line for a request; what is no request leaves none."""
    try:
        message = json.loads(body)
    except ValueError:
        return
    if not isinstance(message, dict) or "id" not in message or "method" not in message:
        return
    params: dict[str, Any] = message.get("params") or {}
    name = next((params[key] for key in NAMES if key in params), None)
    line = {"method": message["method"], "name": name, "goes_on": "inputResponses" in params or "requestState" in params}
    os.write(log, json.dumps(line).encode() + b"\n")


async def serve(log: int) -> None:
    """Serve until a signal."""
    # It is unpacked where the suite is set up, not installed.
    reference: Any = importlib.import_module("mcp_everything_server.server")
    app = reference.mcp.streamable_http_app(event_store=reference.event_store, retry_interval=100)
    listening = socket.create_server(("127.0.0.1", 0))
    # The other parser of uvicorn leaves white space around header values, which the SDK does not expect.
    server = uvicorn.Server(uvicorn.Config(counting(app, log), http="h11", log_level="warning", timeout_graceful_shutdown=2))
    print("listening", listening.getsockname()[1], flush=True)
    await server.serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(serve(os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)))
