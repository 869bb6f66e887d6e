"""Listings from a server that nobody has to believe."""

from collections.abc import Mapping
from typing import Any

import pytest

from ringfence.adapters.upstream.listing import MAX_ITEMS, MAX_PAGES, TOOLS, all_items
from ringfence.errors import UnavailableError


def tool(name: Any, **fields: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, **fields}


def pages(*results: Mapping[str, Any]) -> Any:
    calls = iter(results)

    async def page(cursor: str | None) -> Mapping[str, Any]:
        return next(calls)

    return page


async def test_all_pages_are_followed_with_the_cursor_given() -> None:
    seen: list[str | None] = []
    book: dict[str | None, dict[str, Any]] = {
        None: {"tools": [tool("a", title="A")], "nextCursor": ""},
        "": {"tools": [], "nextCursor": "2"},
        "2": {"tools": [tool("b")]},
    }

    async def page(cursor: str | None) -> Mapping[str, Any]:
        seen.append(cursor)
        return book[cursor]

    assert await all_items(TOOLS, page) == (tool("a", title="A"), tool("b"))
    assert seen == [None, "", "2"]


@pytest.mark.parametrize(
    "tools",
    [
        None,
        {},
        "tools",
        ["a"],
        [{}],
        [tool("")],
        [tool(5)],
        [tool("a b")],
        [tool("a\u200b")],
        [tool("x" * 129)],
        [{"name": "a"}],
        [tool("a", inputSchema=True)],
        [tool("a"), tool("a")],
        [tool("send"), tool("Send")],
    ],
)
@pytest.mark.requirement("I16")
async def test_a_list_with_a_tool_that_cannot_be_shown_is_no_list(tools: Any) -> None:
    with pytest.raises(UnavailableError):
        await all_items(TOOLS, pages({"tools": tools}))


@pytest.mark.attack("A4")
async def test_two_tools_that_look_alike_are_found_across_pages() -> None:
    with pytest.raises(UnavailableError, match="look alike"):
        await all_items(TOOLS, pages({"tools": [tool("a")], "nextCursor": "1"}, {"tools": [tool("A")]}))


async def test_a_list_in_a_circle_ends() -> None:
    async def page(cursor: str | None) -> Mapping[str, Any]:
        return {"tools": [], "nextCursor": "b" if cursor == "a" else "a"}

    with pytest.raises(UnavailableError, match="circle"):
        await all_items(TOOLS, page)


@pytest.mark.attack("A13")
async def test_an_endless_list_ends() -> None:
    calls: list[str | None] = []

    async def page(cursor: str | None) -> Mapping[str, Any]:
        calls.append(cursor)
        return {"tools": [], "nextCursor": str(len(calls))}

    with pytest.raises(UnavailableError, match="pages"):
        await all_items(TOOLS, page)
    assert len(calls) == MAX_PAGES


async def test_too_many_tools_are_refused_and_just_enough_are_not() -> None:
    most = [tool(f"t{n}") for n in range(MAX_ITEMS)]
    assert len(await all_items(TOOLS, pages({"tools": most}))) == MAX_ITEMS
    with pytest.raises(UnavailableError):
        await all_items(TOOLS, pages({"tools": [*most, tool("one_more")]}))


@pytest.mark.parametrize("cursor", [5, True, [], "x" * 10_000])
async def test_a_cursor_that_is_no_short_string_is_refused(cursor: Any) -> None:
    with pytest.raises(UnavailableError):
        await all_items(TOOLS, pages({"tools": [], "nextCursor": cursor}))
