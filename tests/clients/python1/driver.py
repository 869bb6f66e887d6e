"""Drive a server with the official Python client, mcp 1.x, which knows only the legacy era. See ../python2/dialogue.py."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import (
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    ElicitResult,
    InitializeResult,
    TextContent,
)

# The dialogue needs no SDK, so both drivers share it; this one runs in an environment where nothing of ours is installed.
sys.path.append(str(Path(__file__).parents[1] / "python2"))
from dialogue import Answer, Dialogue, OnProgress, Options, heard, run


class Python1:
    """The dialogue's view of `mcp.ClientSession`."""

    def __init__(self, session: ClientSession, opened: InitializeResult) -> None:
        self._session = session
        self.protocol_version = str(opened.protocolVersion)

    async def list_tools(self) -> dict[str, Any]:
        return {tool.name: tool.inputSchema for tool in (await self._session.list_tools()).tools}

    async def call(self, name: str, arguments: dict[str, Any], on_progress: OnProgress | None) -> Answer:
        async def tell(progress: float, total: float | None, message: str | None) -> None:
            if on_progress is not None:
                on_progress(progress, total, message)

        result = await self._session.call_tool(name, arguments, progress_callback=tell if on_progress else None)
        return Answer(
            is_error=result.isError,
            text="\n".join(block.text for block in result.content if isinstance(block, TextContent)),
            structured=result.structuredContent,
            meta=dict(result.meta or {}),
        )

    async def take_back(self, call: asyncio.Task[Answer]) -> None:
        # This generation tells nobody when a call is given up, and a program that wants to has to know the request's number,
        # which is not public. Nothing else is under way here, so it is the last one that was given out.
        last: int = vars(self._session)["_request_id"] - 1
        params = CancelledNotificationParams(requestId=last, reason="no longer wanted")
        await self._session.send_notification(
            ClientNotification(CancelledNotification(method="notifications/cancelled", params=params))
        )
        call.cancel()


def asked_with(options: Options) -> dict[str, Any]:
    """What a client that answers questions is built with."""

    async def answer(context: Any, params: Any) -> ElicitResult:
        heard(options, "question", params.message)
        return ElicitResult(action="accept", content=options.answer)

    return {} if options.answer is None else {"elicitation_callback": answer}


async def connect(options: Options, dialogue: Dialogue) -> None:
    if options.era == "modern":
        raise ValueError("mcp 1.x does not speak the modern era")
    if options.url is None:
        command, *arguments = options.command
        server = StdioServerParameters(command=command, args=arguments, env=options.environment or None)
        async with (
            stdio_client(server) as (incoming, outgoing),
            ClientSession(incoming, outgoing, **asked_with(options)) as session,
        ):
            await dialogue(Python1(session, await session.initialize()))
        return
    # The SDK's own factory keeps its default time-outs; it has no public name, and a bare httpx client would have others.
    async with (
        create_mcp_http_client(headers=options.headers) as http,
        streamable_http_client(options.url, http_client=http) as (incoming, outgoing, _),
        ClientSession(incoming, outgoing, **asked_with(options)) as session,
    ):
        await dialogue(Python1(session, await session.initialize()))


if __name__ == "__main__":
    sys.exit(run("python1", connect))
