"""MCP servers that play what they are told, in one process: `python -m ringfence.app.drills.play_server LOG`.

Each server is an endpoint `/mcp/NAME` of both eras. `PUT /play/NAME` says what it shows and answers from now on. Beside
them is a model: `POST /models/v1/messages` answers what `PUT /answers` gave for its name. LOG gets one JSON line for each
executed call, before it is answered: it is the judge of a drill, and owes nothing to the gateway in front of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import time
from pathlib import Path
from typing import Any, Final

import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    TextContent,
    TextResourceContents,
    Tool,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ringfence.app.drills.play import READY, Play, from_json, of_model

HOST: Final = "127.0.0.1"
BACKLOG: Final = 256
END_S: Final = 1
"""How long a client's open stream may hold up the end of the process."""

Context = ServerRequestContext[Any, Any]


class Plays:
    """What is played now, by the endpoint's name."""

    def __init__(self, log: Path) -> None:
        self._plays: dict[str, Play] = {}
        self._answers: dict[str, str] = {}
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def put(self, request: Request) -> Response:
        """`PUT /play/NAME`."""
        self._plays[request.path_params["name"]] = from_json(await request.json())
        return Response(status_code=204)

    async def put_answers(self, request: Request) -> Response:
        """`PUT /answers`: what each model says, by its name."""
        self._answers = {str(model): str(answer) for model, answer in (await request.json()).items()}
        return Response(status_code=204)

    async def messages(self, request: Request) -> Response:
        """`POST /models/v1/messages`, without streaming."""
        asked = await request.json()
        model = str(asked["model"])
        self._note(of_model(model), "messages", {"messages": len(asked["messages"])})
        return JSONResponse(
            {
                "id": "msg_played", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
                "stop_sequence": None, "content": [{"type": "text", "text": self._answers.get(model, "done")}],
                "usage": {"input_tokens": 10 * len(asked["messages"]), "output_tokens": 10},
            }
        )  # fmt: skip

    async def list_tools(self, context: Context, _: PaginatedRequestParams | None) -> ListToolsResult:
        play = self._of(context)[1]
        return ListToolsResult(
            tools=[
                Tool(
                    name=tool.name,
                    description=tool.description,
                    input_schema=dict(tool.schema),
                    output_schema=None if tool.output is None else dict(tool.output),
                )
                for tool in play.tools
            ]
        )

    async def call_tool(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        name, play = self._of(context)
        arguments = params.arguments or {}
        self._note(name, params.name, arguments)
        reply = play.reply_to(params.name, arguments)
        if isinstance(reply.result, str):
            return CallToolResult(content=[TextContent(type="text", text=reply.result)], is_error=reply.is_error)
        text = json.dumps(reply.result, ensure_ascii=False)
        structured = dict(reply.result)
        return CallToolResult(
            content=[TextContent(type="text", text=text)], structured_content=structured, is_error=reply.is_error
        )

    async def list_resources(self, context: Context, _: PaginatedRequestParams | None) -> ListResourcesResult:
        return ListResourcesResult(resources=[Resource(uri=uri, name=uri) for uri in self._of(context)[1].resources])

    async def read_resource(self, context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        name, play = self._of(context)
        text = play.resources.get(str(params.uri))
        if text is None:
            raise MCPError(INVALID_PARAMS, "no such resource")
        self._note(name, "resources/read", {"uri": str(params.uri)})
        return ReadResourceResult(contents=[TextResourceContents(uri=params.uri, text=text, mime_type="text/plain")])

    def _of(self, context: Context) -> tuple[str, Play]:
        request = context.request
        name = request.path_params["name"] if isinstance(request, Request) else ""
        if name not in self._plays:
            raise MCPError(INVALID_PARAMS, "nothing is played here")
        return name, self._plays[name]

    def _note(self, server: str, tool: str, arguments: dict[str, Any]) -> None:
        record = {"at": time.time(), "server": server, "tool": tool, "arguments": arguments}
        line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        if os.write(self._log, line) != len(line):
            raise OSError("short write to the log of executed calls")


async def serve(log: Path) -> None:
    """Serve until the process is told to end. Raises: OSError."""
    plays = Plays(log)
    server: Server[Any] = Server(
        "played",
        version="1",
        on_list_tools=plays.list_tools,
        on_call_tool=plays.call_tool,
        on_list_resources=plays.list_resources,
        on_read_resource=plays.read_resource,
    )
    app = server.streamable_http_app(
        streamable_http_path="/mcp/{name}",
        json_response=True,
        stateless_http=True,
        host=HOST,
        custom_starlette_routes=[
            Route("/play/{name}", plays.put, methods=["PUT"]),
            Route("/answers", plays.put_answers, methods=["PUT"]),
            Route("/models/v1/messages", plays.messages, methods=["POST"]),
        ],
    )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, 0))
        listener.listen(BACKLOG)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=END_S)
        os.write(1, f"{READY} {listener.getsockname()[1]}\n".encode())
        await uvicorn.Server(config).serve(sockets=[listener])


def main() -> None:
    parser = argparse.ArgumentParser(prog="play_server", description=__doc__)
    parser.add_argument("log", type=Path)
    asyncio.run(serve(parser.parse_args().log))


if __name__ == "__main__":
    main()
