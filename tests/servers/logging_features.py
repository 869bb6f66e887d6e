"""What the logging server offers besides its first tools: resources, prompts, questions to the client, logs, change notices."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import NotificationOptions, Server
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.subscriptions import PromptsListChanged, ResourcesListChanged, ResourceUpdated, ServerEvent, ToolsListChanged
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

Ctx = ServerRequestContext[Any, Any]
POLL_S = 0.02
URIS = [f"note:///{n}" for n in range(3)]
FORM = types.ElicitRequestFormParams(
    message="Which one?", requested_schema={"type": "object", "properties": {"which": {"type": "string"}}}
)
QUESTION = types.SamplingMessage(role="user", content=types.TextContent(text="Say something"))
LEVELS: tuple[types.LoggingLevel, ...] = ("debug", "info", "error")
RESULTS = {"elicitation": types.ElicitResult, "sampling": types.CreateMessageResult, "roots": types.ListRootsResult}
STATE = 'step 1 \u2028 "ü"'


def is_modern(ctx: Ctx) -> bool:
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def text(value: Any) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=json.dumps(value, ensure_ascii=False))])


class Telling(Server[Any]):
    """Declares that its lists change, in the older era too."""

    def get_capabilities(self, notification_options: NotificationOptions | None = None, *args: Any, **kw: Any) -> Any:
        return super().get_capabilities(NotificationOptions(True, True, True), *args, **kw)


class LoggedBus(InMemorySubscriptionBus):
    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        unsubscribe = super().subscribe(listener)
        self._write("listening")
        return unsubscribe


class Features:
    def __init__(self, announcements: Path, write: Callable[[str], None]) -> None:
        """`write` puts an event into the server's log."""
        self._announcements = announcements
        self._write = write
        self._bus = LoggedBus(write)
        self._subscribed: dict[ServerSession, set[str]] = {}
        self.handlers: Mapping[str, Any] = {
            "on_list_resources": self.list_resources,
            "on_list_resource_templates": self.list_templates,
            "on_read_resource": self.read_resource,
            "on_subscribe_resource": self.subscribe,
            "on_unsubscribe_resource": self.unsubscribe,
            "on_subscriptions_listen": ListenHandler(self._bus),
            "on_list_prompts": self.list_prompts,
            "on_get_prompt": self.get_prompt,
            "on_completion": self.complete,
            "on_set_logging_level": self.set_level,
        }

    # --- resources, prompts, completion

    async def list_resources(self, ctx: Ctx, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        """One a page. Whoever lists is told of changes."""
        self._subscribed.setdefault(ctx.session, set())
        place = int(params.cursor) if params is not None and params.cursor else 0
        following = str(place + 1) if place + 1 < len(URIS) else None
        shown = types.Resource(name=f"note {place}", uri=URIS[place], mime_type="text/plain")
        return types.ListResourcesResult(resources=[shown], next_cursor=following)

    async def list_templates(self, ctx: Ctx, params: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(
            resource_templates=[types.ResourceTemplate(name="notes", uri_template="note:///{n}")]
        )

    async def read_resource(
        self, ctx: Ctx, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult | types.InputRequiredResult:
        if params.uri not in URIS:
            raise MCPError(-32602, "no such note")
        return types.ReadResourceResult(contents=[types.TextResourceContents(uri=params.uri, text=f"text of {params.uri}")])

    async def list_prompts(self, ctx: Ctx, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        argument = types.PromptArgument(name="what", required=True)
        return types.ListPromptsResult(prompts=[types.Prompt(name="ask for", arguments=[argument])])

    async def get_prompt(
        self, ctx: Ctx, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        said = f"{params.name}: {(params.arguments or {}).get('what')}"
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=types.TextContent(text=said))])

    async def complete(self, ctx: Ctx, params: types.CompleteRequestParams) -> types.CompleteResult:
        values = [f"{params.argument.value}{end}" for end in ("a", "b")]
        return types.CompleteResult(completion=types.Completion(values=values, total=2))

    async def set_level(self, ctx: Ctx, params: types.SetLevelRequestParams) -> types.EmptyResult:
        return types.EmptyResult()

    # --- what the tools `ask`, `again` and `log` do

    async def call_tool(
        self, ctx: Ctx, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult | None:
        """None: it is no tool of this class."""
        arguments = params.arguments or {}
        match params.name:
            case "ask" if is_modern(ctx):
                return self._ask_by_result(arguments["what"], params)
            case "ask":
                return text(await self._ask(ctx, arguments["what"]))
            case "again" if is_modern(ctx):
                done = int(params.request_state or "0")
                return types.InputRequiredResult(request_state=str(done + 1)) if done < arguments["times"] else text(done)
            case "again":
                return text(arguments["times"])
            case "log":
                await self._log(ctx)
                return text("logged")
            case _:
                return None

    async def _log(self, ctx: Ctx) -> None:
        if is_modern(ctx) and types.LOG_LEVEL_META_KEY not in (ctx.meta or {}):
            return
        for level in LEVELS:
            params = types.LoggingMessageNotificationParams(level=level, data={"said": level}, logger="tests")
            await ctx.session.send_notification(types.LoggingMessageNotification(params=params), ctx.request_id)

    async def _ask(self, ctx: Ctx, kinds: list[str]) -> dict[str, Any]:
        answers = await asyncio.gather(*(self._ask_one(ctx, kind) for kind in kinds))
        return dict(zip(kinds, answers, strict=True))

    async def _ask_one(self, ctx: Ctx, kind: str) -> Any:
        request = self._request(kind)
        # A question for roots names no request, as with many servers, so that over HTTP it comes on the stream of the session.
        related = None if kind == "roots" else ServerMessageMetadata(related_request_id=ctx.request_id)
        try:
            result: Any = await ctx.session.send_request(request, RESULTS[kind], metadata=related)
        except MCPError as error:
            return {"error": error.error.code}
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)

    def _ask_by_result(
        self, kinds: list[str], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        if params.input_responses is None:
            return types.InputRequiredResult(input_requests={kind: self._request(kind) for kind in kinds}, request_state=STATE)
        if params.request_state != STATE:
            raise MCPError(-32602, "the state is not what it was")
        responses = params.input_responses.items()
        return text({key: value.model_dump(by_alias=True, mode="json", exclude_none=True) for key, value in responses})

    def _request(self, kind: str) -> types.CreateMessageRequest | types.ElicitRequest | types.ListRootsRequest:
        match kind:
            case "elicitation":
                return types.ElicitRequest(params=FORM)
            case "sampling":
                return types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=[QUESTION], max_tokens=10))
            case _:
                return types.ListRootsRequest()

    # --- change notices

    async def subscribe(self, ctx: Ctx, params: types.SubscribeRequestParams) -> types.EmptyResult:
        self._subscribed.setdefault(ctx.session, set()).add(params.uri)
        self._write("listening")
        return types.EmptyResult()

    async def unsubscribe(self, ctx: Ctx, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        self._subscribed.setdefault(ctx.session, set()).discard(params.uri)
        return types.EmptyResult()

    async def announce_for_ever(self) -> None:
        """Each line of the file is a notice: `tools`, `prompts`, `resources`, or a URI."""
        told = len(self._lines())
        while True:
            await asyncio.sleep(POLL_S)
            for line in self._lines()[told:]:
                told += 1
                await self._announce(line)

    def _lines(self) -> list[str]:
        return self._announcements.read_text().split() if self._announcements.exists() else []

    async def _announce(self, what: str) -> None:
        kinds: dict[str, ServerEvent] = {
            "tools": ToolsListChanged(),
            "prompts": PromptsListChanged(),
            "resources": ResourcesListChanged(),
        }
        await self._bus.publish(kinds.get(what) or ResourceUpdated(uri=what))
        for session, uris in list(self._subscribed.items()):
            try:
                await self._tell(session, uris, what)
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                del self._subscribed[session]

    async def _tell(self, session: ServerSession, uris: set[str], what: str) -> None:
        match what:
            case "tools":
                await session.send_tool_list_changed()
            case "prompts":
                await session.send_prompt_list_changed()
            case "resources":
                await session.send_resource_list_changed()
            case _ if what in uris:
                await session.send_resource_updated(what)
            case _:
                pass
