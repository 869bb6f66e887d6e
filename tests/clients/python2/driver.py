"""Drive a server with the official Python client, mcp 2.x. See dialogue.py for the command line."""

import asyncio
import sys
from typing import Any

from dialogue import Answer, Dialogue, OnProgress, Options, heard, run
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import ElicitResult, TextContent
from mcp_types.version import LATEST_MODERN_VERSION

MODES = {"legacy": "legacy", "auto": "auto", "modern": LATEST_MODERN_VERSION}


class Python2:
    """The dialogue's view of `mcp.Client`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def protocol_version(self) -> str:
        return self._client.protocol_version

    async def list_tools(self) -> dict[str, Any]:
        return {tool.name: tool.input_schema for tool in (await self._client.list_tools()).tools}

    async def call(self, name: str, arguments: dict[str, Any], on_progress: OnProgress | None) -> Answer:
        async def tell(progress: float, total: float | None, message: str | None) -> None:
            if on_progress is not None:
                on_progress(progress, total, message)

        result = await self._client.call_tool(name, arguments, progress_callback=tell if on_progress else None)
        return Answer(
            is_error=bool(result.is_error),
            text="\n".join(block.text for block in result.content if isinstance(block, TextContent)),
            structured=result.structured_content,
            meta=dict(result.meta or {}),
        )

    async def take_back(self, call: asyncio.Task[Answer]) -> None:
        call.cancel()


def asked_with(options: Options) -> dict[str, Any]:
    """What a client that answers questions is built with."""

    async def answer(context: Any, params: Any) -> ElicitResult:
        heard(options, "question", params.message)
        return ElicitResult(action="accept", content=options.answer)

    return {} if options.answer is None else {"elicitation_callback": answer}


async def connect(options: Options, dialogue: Dialogue) -> None:
    mode = MODES[options.era]
    if options.url is None:
        command, *arguments = options.command
        server = StdioServerParameters(command=command, args=arguments, env=options.environment or None)
        async with Client(server, mode=mode, **asked_with(options)) as client:
            await dialogue(Python2(client))
        return
    # The SDK's own factory keeps its default time-outs; it has no public name, and a bare httpx2 client would have others.
    async with (
        create_mcp_http_client(headers=options.headers) as http,
        Client(streamable_http_client(options.url, http_client=http), mode=mode, **asked_with(options)) as client,
    ):
        await dialogue(Python2(client))


if __name__ == "__main__":
    sys.exit(run("python2", connect))
