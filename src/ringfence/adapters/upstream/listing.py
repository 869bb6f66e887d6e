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
MAX_WHY = 200


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
    pinned: bool = False
    """Look-alikes are kept, both: whoever compares the list with its pins quarantines them."""


Page = Callable[[str | None], Awaitable[Mapping[str, Any] | None]]
"""The result for one cursor; None where the server does not have the method."""


async def all_items(
    listing: Listing, page: Page, left_out: Callable[[str], None] | None = None
) -> tuple[Mapping[str, Any], ...]:
    """Follow the cursors to the end.

    Of the tools it is all or nothing. From any other list what cannot be shown is left out, and said to `left_out` in words: a
    resource of bad form is no reason to do without the server.

    Raises: UnavailableError for an endless or circular listing of tools, a tool without a legal name, and two that look alike.
    """
    gathering = _Gathering(listing, left_out)
    cursors: set[str] = set()
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        result = await page(cursor)
        if result is None:
            return ()
        following = result.get("nextCursor")
        if not gathering.take(result.get(listing.key)) or following is None:
            return gathering.result()
        if not isinstance(following, str) or len(following) > MAX_CURSOR:
            gathering.fault("the server's list has a cursor that is not a short string")
            return gathering.result()
        if following in cursors:
            gathering.fault(f"the server's list of {listing.what} runs in a circle")
            return gathering.result()
        cursors.add(following)
        cursor = following
    gathering.fault(f"the server's list of {listing.what} has more than {MAX_PAGES} pages")
    return gathering.result()


class _Gathering:
    """The items of one list as its pages come."""

    def __init__(self, listing: Listing, left_out: Callable[[str], None] | None) -> None:
        self._listing = listing
        self._left_out = left_out
        self._items: list[Mapping[str, Any]] = []
        self._seen: dict[str, Mapping[str, Any]] = {}

    def take(self, listed: object) -> bool:
        """The items of one page; False: no more are taken."""
        what = self._listing.what
        if not isinstance(listed, list):
            self.fault(f"the server's list of {what} is not a list")
            return False
        for raw in cast("list[object]", listed):
            if len(self._items) >= MAX_ITEMS:
                self.fault(f"the server lists more than {MAX_ITEMS} {what}")
                return False
            item = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
            try:
                self._add(item)
            except UnavailableError as error:
                self.fault(str(error))
        return True

    def _add(self, item: Mapping[str, Any]) -> None:
        listing, identity = self._listing, self._listing.identity(item)
        other = self._seen.setdefault(identity, item)
        if other is not item and not listing.pinned:
            raise UnavailableError(
                f"the server lists two {listing.what} that look alike: {other.get('name')!a} and {item.get('name')!a}"
            )
        self._items.append(item)

    def fault(self, why: str) -> None:
        """Raises UnavailableError where the list has to be whole."""
        if self._listing is TOOLS:
            raise UnavailableError(why)
        if self._left_out is not None:
            self._left_out(why[:MAX_WHY])

    def result(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self._items)


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
TEMPLATES = Listing("resources/templates/list", "resourceTemplates", "resources", "resource templates", _template, pinned=True)
PROMPTS = Listing("prompts/list", "prompts", "prompts", "prompts", _prompt, pinned=True)
