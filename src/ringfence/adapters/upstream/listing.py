"""All pages of a server's lists, bounded and checked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from unicodedata import normalize

from ringfence.adapters.wire.mcp import is_tool_name
from ringfence.errors import UnavailableError

MAX_PAGES = 100
MAX_ITEMS = 1000
MAX_CURSOR = 8192
MAX_URI = 8192
MAX_NAME = 256


@dataclass(frozen=True, slots=True)
class Listing:
    """One of a server's lists."""

    method: str
    key: str
    """Where the items stand in a result."""
    capability: str
    what: str
    identity: Callable[[Mapping[str, Any]], str]
    """What no two items may share. Raises UnavailableError for an item that cannot be shown."""


Page = Callable[[str | None], Awaitable[Mapping[str, Any] | None]]
"""The result for one cursor; None where the server does not have the method."""


async def all_items(listing: Listing, page: Page) -> tuple[Mapping[str, Any], ...]:
    """Follow the cursors to the end.

    Raises: UnavailableError for an endless or circular listing, an item without a legal name or URI, and two items that look
    alike: none of these lists can be shown to anybody.
    """
    items: list[Mapping[str, Any]] = []
    cursors: set[str] = set()
    seen: dict[str, Mapping[str, Any]] = {}
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        result = await page(cursor)
        if result is None:
            return ()
        items.extend(_checked(result.get(listing.key), listing, seen))
        if len(items) > MAX_ITEMS:
            raise UnavailableError(f"the server lists more than {MAX_ITEMS} {listing.what}")
        following = result.get("nextCursor")
        if following is None:
            return tuple(items)
        if not isinstance(following, str) or len(following) > MAX_CURSOR:
            raise UnavailableError("the server's list has a cursor that is not a short string")
        if following in cursors:
            raise UnavailableError(f"the server's list of {listing.what} runs in a circle")
        cursors.add(following)
        cursor = following
    raise UnavailableError(f"the server's list of {listing.what} has more than {MAX_PAGES} pages")


def _checked(listed: object, listing: Listing, seen: dict[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if not isinstance(listed, list):
        raise UnavailableError(f"the server's list of {listing.what} is not a list")
    items: list[Mapping[str, Any]] = []
    for raw in cast("list[object]", listed):
        item = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
        identity = listing.identity(item)
        if identity in seen:
            other = seen[identity]
            raise UnavailableError(
                f"the server lists two {listing.what} that look alike: {other.get('name')!a} and {item.get('name')!a}"
            )
        seen[identity] = item
        items.append(item)
    return items


def is_uri(value: object) -> bool:
    """Whether a value may stand for a resource: short, and without control or invisible characters."""
    return isinstance(value, str) and 0 < len(value) <= MAX_URI and value.isprintable()


def _tool(item: Mapping[str, Any]) -> str:
    name = item.get("name")
    if not isinstance(name, str) or not is_tool_name(name):
        raise UnavailableError("the server lists a tool without a legal name")
    if not isinstance(item.get("inputSchema"), dict):
        raise UnavailableError(f"the server lists the tool {name} without an input schema")
    # Legal names are ASCII, so case is the only way left to look alike.
    return name.casefold()


def _prompt(item: Mapping[str, Any]) -> str:
    name = _named(item, "prompt")
    return normalize("NFKC", name).casefold()


def _resource(item: Mapping[str, Any]) -> str:
    _named(item, "resource")
    return _address(item, "uri", "a resource")


def _template(item: Mapping[str, Any]) -> str:
    _named(item, "resource template")
    return _address(item, "uriTemplate", "a resource template")


def _named(item: Mapping[str, Any], what: str) -> str:
    name = item.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise UnavailableError(f"the server lists a {what} without a legal name")
    return name


def _address(item: Mapping[str, Any], key: str, what: str) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not is_uri(value):
        raise UnavailableError(f"the server lists {what} without a legal {key}")
    return value


TOOLS = Listing("tools/list", "tools", "tools", "tools", _tool)
RESOURCES = Listing("resources/list", "resources", "resources", "resources", _resource)
TEMPLATES = Listing("resources/templates/list", "resourceTemplates", "resources", "resource templates", _template)
PROMPTS = Listing("prompts/list", "prompts", "prompts", "prompts", _prompt)
