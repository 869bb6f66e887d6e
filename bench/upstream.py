"""The server that everything is measured against: the MCP SDK's low-level server, which echoes.

`python -m bench.upstream (--port 0 | --stdio)`; over HTTP it is stateless and answers in plain JSON, in both eras.
"""

import argparse
import asyncio
import socket
from typing import Any

import uvicorn
import uvloop
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams, TextContent, Tool

HOST = "127.0.0.1"
READ, PLAIN, WRITE, UNDO, HAUL = "look", "peek", "note", "unnote", "haul"
"""A public read, another one, a reversible write, what undoes it, and a read of a megabyte."""
HAUL_BYTES = 1_000_000

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "subject": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-z0-9-]+$"},
        "text": {"type": "string", "maxLength": 4096},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 8},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
    },
    "required": ["subject", "text"],
    "additionalProperties": False,
}


HAUL_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"part": {"type": "integer"}},
    "required": ["part"],
    "additionalProperties": False,
}


def haul(part: int) -> str:
    """Text as tickets and logs have it: words, numbers, addresses, no line twice."""
    line = "case {0}: parcel {1} of order 2026-{0} is late, says user{1}@mail.example; amount {0}.{1:02} EUR, see /cases/{0}"
    found: list[str] = []
    length = 0
    number = part * 1_000_003
    while length < HAUL_BYTES:
        number += 1
        found.append(line.format(number, number % 97))
        length += len(found[-1]) + 1
    return "\n".join(found)[:HAUL_BYTES]


async def list_tools(_: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(
        tools=[
            *(Tool(name=name, description="Echoes.", input_schema=SCHEMA) for name in (READ, PLAIN, WRITE, UNDO)),
            Tool(name=HAUL, description="A megabyte of text.", input_schema=HAUL_SCHEMA),
        ]
    )


async def call_tool(_: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
    arguments = params.arguments or {}
    if params.name == HAUL:
        return CallToolResult(content=[TextContent(type="text", text=haul(arguments["part"]))])
    return CallToolResult(content=[TextContent(type="text", text=f"{arguments['subject']}: {arguments['text']}")])


async def over_http(server: Server[Any], port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(256)
        app = server.streamable_http_app(host=HOST, stateless_http=True, json_response=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        print(f"listening {listener.getsockname()[1]}", flush=True)
        await uvicorn.Server(config).serve(sockets=[listener])


async def over_stdio(server: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.upstream", description=__doc__)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--stdio", action="store_true")
    how.add_argument("--port", type=int)
    options = parser.parse_args()
    server: Server[Any] = Server("echo", on_list_tools=list_tools, on_call_tool=call_tool)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(over_stdio(server) if options.stdio else over_http(server, options.port))


if __name__ == "__main__":
    main()
