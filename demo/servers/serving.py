"""Start a demo server: over stdio, or over streamable HTTP on a loopback port."""

import argparse
import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from call_log import CallLog
from mcp.server.mcpserver import MCPServer

HOST = "127.0.0.1"
SHUTDOWN_S = 2
"""How long a client's open stream may hold up the end of the process."""


def main(name: str, build: Callable[[Path, CallLog], MCPServer]) -> None:
    """Read the command line, build the server and serve until the client leaves or the process is told to stop.

    Args:
        name: The server's name, for the help text.
        build: Makes the server from its database file and its log of executed calls.
    """
    parser = argparse.ArgumentParser(description=f"{name}: a small MCP server over an SQLite file")
    parser.add_argument("--db", type=Path, required=True, help="SQLite file; made with seed data when missing")
    parser.add_argument("--log", type=Path, help="append a JSON line for each executed call to this file")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--stdio", action="store_true", help="serve one client on stdin and stdout")
    how.add_argument("--port", type=int, help="serve /mcp on this loopback port; 0 chooses one")
    options = parser.parse_args()
    server = build(options.db, CallLog(options.log))
    if options.stdio:
        asyncio.run(server.run_stdio_async())
    else:
        asyncio.run(serve_http(server, options.port))


async def serve_http(server: MCPServer, port: int) -> None:
    """Serve `/mcp` to clients of both eras and print `listening PORT` once connections are accepted.

    Raises:
        OSError: The port is taken.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
        config = uvicorn.Config(
            server.streamable_http_app(host=HOST),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
        print(f"listening {listener.getsockname()[1]}", flush=True)
        await uvicorn.Server(config).serve(sockets=[listener])
