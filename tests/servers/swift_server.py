"""A small, fast MCP server that says when it executed what: the judge of a stop, on the same clock as the test.

`python swift_server.py LOG modern|legacy|stdio`. Over HTTP it prints its port once it listens. Each executed call appends one
JSON line to LOG, in one write, the moment the request has been read: `at` (CLOCK_MONOTONIC, nanoseconds), `via`, `tool`,
`arguments`. An argument `ms` makes the call take that long.
"""

import asyncio
import json
import os
import socket
import sys
import time
from typing import Any

from aiohttp import web

SCHEMA = {"type": "object", "properties": {"who": {"type": "string"}, "n": {"type": "integer"}, "ms": {"type": "integer"}}}
TOOLS = [{"name": name, "description": name, "inputSchema": SCHEMA} for name in ("look", "put", "pay")]
INFO = {"name": "swift", "version": "1"}


class Swift:
    """What both transports share."""

    def __init__(self, log: str, kind: str) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.kind = kind

    async def answer(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to a request; None for what has none."""
        if "id" not in message:
            return None
        method, params = message.get("method"), message.get("params", {})
        if method == "tools/call":
            result = await self._call(params)
        elif method == "tools/list":
            result = {"tools": TOOLS}
        elif method == "initialize":
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": INFO}
        elif method == "server/discover" and self.kind != "legacy":
            result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "serverInfo": INFO}
        else:
            return {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "method not found"}}
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}

    async def _call(self, params: dict[str, Any]) -> dict[str, Any]:
        arguments = params.get("arguments", {})
        record = {"at": time.monotonic_ns(), "via": self.kind, "tool": params["name"], "arguments": arguments}
        line = json.dumps(record).encode() + b"\n"
        assert os.write(self._log, line) == len(line)
        if wait := arguments.get("ms"):
            await asyncio.sleep(wait / 1000)
        return {"content": [{"type": "text", "text": "done"}], "isError": False}


async def over_http(swift: Swift) -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.method != "POST":
            return web.Response(status=200)
        message = json.loads(await request.read())
        if swift.kind == "legacy" and message.get("method") == "server/discover":
            return web.Response(status=400, text="Bad Request")
        answer = await swift.answer(message)
        if answer is None:
            return web.Response(status=202)
        headers = {"mcp-session-id": f"s-{message['id']}"} if message.get("method") == "initialize" else None
        return web.json_response(answer, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/mcp", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    await web.SockSite(runner, listener).start()
    print(listener.getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def over_stdio(swift: Swift) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running: set[asyncio.Task[None]] = set()

    async def one(line: bytes) -> None:
        answer = await swift.answer(json.loads(line))
        if answer is not None:
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

    while line := await reader.readline():
        task = asyncio.create_task(one(line))
        running.add(task)
        task.add_done_callback(running.discard)


def main() -> None:
    log, kind = sys.argv[1:]
    swift = Swift(log, kind)
    asyncio.run(over_stdio(swift) if kind == "stdio" else over_http(swift))


if __name__ == "__main__":
    main()
