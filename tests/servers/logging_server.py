"""A real MCP server on the official SDK that logs what it executes: the judge of what the gateway really sent.

Run as `python logging_server.py LOG http|stdio [--legacy-only] [--json]`. Over HTTP it prints its port once it listens.
"""

import argparse
import asyncio
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.runner import serve_loop
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

sys.path.insert(0, str(Path(__file__).parent))
from logging_features import Features, Telling  # beside this script

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

ANY = {"type": "object"}
ROUTED = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
TOOLS = {
    "echo": ANY,
    "slow": ANY,
    "boom": ANY,
    "unhappy": ANY,
    "where": ANY,
    "routed": ROUTED,
    "ask": ANY,
    "again": ANY,
    "log": ANY,
}
POLL_S, POLLS = 0.01, 6000


class Logging:
    def __init__(self, log: Path) -> None:
        self.features = Features(log.with_suffix(".announce"), self.write)
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, event: str, **fields: Any) -> None:
        os.write(self._log, json.dumps({"event": event, **fields}).encode() + b"\n")

    async def list_tools(
        self, ctx: ServerRequestContext[Any, Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """Two pages, so that a client that stops after the first is found out."""
        names = list(TOOLS)
        second = params is not None and params.cursor == "second"
        shown = names[2:] if second else names[:2]
        tools = [types.Tool(name=name, description=name, input_schema=TOOLS[name]) for name in shown]
        return types.ListToolsResult(tools=tools, next_cursor=None if second else "second")

    async def call_tool(
        self, ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        arguments = params.arguments or {}
        headers = {} if ctx.request is None else {key.lower(): value for key, value in ctx.request.headers.items()}
        self.write("start", tool=params.name, arguments=arguments, headers=headers)
        match params.name:
            case "slow":
                await self._slow(ctx, arguments)
            case "boom":
                raise MCPError(-32603, "boom")
            case "unhappy":
                return types.CallToolResult(content=[types.TextContent(text="no")], is_error=True)
            case "where":
                place = headers.get("mcp-session-id", "") or str(os.getpid())
                return types.CallToolResult(content=[types.TextContent(text=place)])
            case "echo" | "routed":
                pass
            case _:
                if (result := await self.features.call_tool(ctx, params)) is not None:
                    return result
                raise MCPError(-32602, f"unknown tool: {params.name}")
        self.write("end", tool=params.name, arguments=arguments)
        return types.CallToolResult(content=[types.TextContent(text=json.dumps(arguments))])

    async def _slow(self, ctx: ServerRequestContext[Any, Any], arguments: dict[str, Any]) -> None:
        try:
            for step in range(arguments.get("steps", 0)):
                await ctx.session.report_progress(step + 1, arguments["steps"], f"step {step + 1}")
            release = arguments.get("release")
            for _ in range(POLLS):
                if not release or await anyio.Path(release).exists():
                    break
                await asyncio.sleep(POLL_S)
        except asyncio.CancelledError:
            self.write("cancelled", tool="slow", arguments=arguments)
            raise

    def server(self) -> Server[Any]:
        return Telling(
            "logging",
            version="1",
            instructions="Notes and echoes.",
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            **self.features.handlers,
        )


def legacy_only(app: Asgi) -> Asgi:
    """Refuse the newer version header, as servers did before it existed."""

    async def wrapped(scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        headers = dict(scope.get("headers", ()))
        if headers.get(b"mcp-protocol-version", b"").startswith(b"2026"):
            body = {"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "Bad Request: version"}}
            await send({"type": "http.response.start", "status": 400, "headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})
            return
        await app(scope, receive, send)

    return wrapped


async def over_http(logging: Logging, options: argparse.Namespace) -> None:
    app: Any = logging.server().streamable_http_app(json_response=options.json)
    if options.legacy_only:
        app = legacy_only(app)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1)
    await uvicorn.Server(config).serve(sockets=[listener])


async def over_stdio(logging: Logging, options: argparse.Namespace) -> None:
    server = logging.server()
    async with stdio_server() as (reading, writing):
        if options.legacy_only:
            await serve_loop(server, reading, writing, lifespan_state={})
        else:
            await server.run(reading, writing, server.create_initialization_options())


async def serve(logging: Logging, options: argparse.Namespace) -> None:
    announcing = asyncio.create_task(logging.features.announce_for_ever())
    await (over_http(logging, options) if options.transport == "http" else over_stdio(logging, options))
    announcing.cancel()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("transport", choices=("http", "stdio"))
    parser.add_argument("--legacy-only", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging = Logging(options.log)
    asyncio.run(serve(logging, options))


if __name__ == "__main__":
    main()
