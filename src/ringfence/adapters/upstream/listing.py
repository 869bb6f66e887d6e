"""All pages of a `tools/list`, bounded and checked."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from ringfence.adapters.wire.mcp import is_tool_name
from ringfence.errors import UnavailableError

MAX_PAGES = 100
MAX_TOOLS = 1000
MAX_CURSOR = 8192


async def all_tools(page: Callable[[str | None], Awaitable[Mapping[str, Any]]]) -> tuple[Mapping[str, Any], ...]:
    """Follow the cursors to the end.

    Raises: UnavailableError for an endless or circular listing, a tool without a legal name, and two names that differ in
    case only: none of these lists can be shown to anybody.
    """
    tools: list[Mapping[str, Any]] = []
    cursors: set[str] = set()
    names: dict[str, str] = {}
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        result = await page(cursor)
        tools.extend(_checked(result.get("tools"), names))
        if len(tools) > MAX_TOOLS:
            raise UnavailableError(f"the server lists more than {MAX_TOOLS} tools")
        following = result.get("nextCursor")
        if following is None:
            return tuple(tools)
        if not isinstance(following, str) or len(following) > MAX_CURSOR:
            raise UnavailableError("the server's list has a cursor that is not a short string")
        if following in cursors:
            raise UnavailableError("the server's list of tools runs in a circle")
        cursors.add(following)
        cursor = following
    raise UnavailableError(f"the server's list of tools has more than {MAX_PAGES} pages")


def _checked(listed: object, names: dict[str, str]) -> list[Mapping[str, Any]]:
    if not isinstance(listed, list):
        raise UnavailableError("the server's list of tools is not a list")
    tools: list[Mapping[str, Any]] = []
    for item in cast("list[object]", listed):
        tool = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
        name = tool.get("name")
        if not isinstance(name, str) or not is_tool_name(name):
            raise UnavailableError("the server lists a tool without a legal name")
        if not isinstance(tool.get("inputSchema"), dict):
            raise UnavailableError(f"the server lists the tool {name} without an input schema")
        # Legal names are ASCII, so case is the only way left to look alike.
        folded = name.casefold()
        if folded in names:
            raise UnavailableError(f"the server lists two tools that look alike: {names[folded]} and {name}")
        names[folded] = name
        tools.append(tool)
    return tools
