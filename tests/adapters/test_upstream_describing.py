"""What a server is taken to have when it refuses to say."""

from collections.abc import Mapping
from typing import Any

import pytest

from ringfence.adapters.upstream.describing import Ask, Declared, described
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Result
from ringfence.adapters.wire.mcp import Era
from ringfence.errors import UnavailableError

DECLARED = Declared({"tools": {}, "resources": {}, "prompts": {}}, "")
LISTS: dict[str, Mapping[str, Any]] = {
    "tools/list": {"tools": [{"name": "query", "inputSchema": {"type": "object"}}]},
    "resources/list": {"resources": [{"uri": "test://a", "name": "a"}]},
    "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "test://{a}", "name": "a"}]},
    "prompts/list": {"prompts": [{"name": "ask"}]},
}
REFUSED = ErrorAnswer(1, -32603, "connect ECONNREFUSED")


def a_server(**refuses: str) -> Ask:
    """Answers every list, but for the methods given, which end in an error on their first or second page."""

    async def ask(method: str, params: dict[str, Any]) -> Result | ErrorAnswer:
        match refuses.get(method.replace("/", "_")), params.get("cursor"):
            case ("first", _) | ("second", "more"):
                return REFUSED
            case ("second", None):
                return Result(1, {**LISTS[method], "nextCursor": "more"})
            case _:
                return Result(1, LISTS[method])

    return ask


async def test_every_declared_list_is_read() -> None:
    found = await described(a_server(), Era.LEGACY, DECLARED)
    assert [len(items) for items in (found.tools, found.resources, found.templates, found.prompts)] == [1, 1, 1, 1]


@pytest.mark.parametrize("method", ["resources_list", "resources_templates_list", "prompts_list"])
async def test_a_server_that_refuses_another_list_keeps_its_tools(method: str) -> None:
    found = await described(a_server(**{method: "first"}), Era.LEGACY, DECLARED)
    lists = {"resources_list": found.resources, "resources_templates_list": found.templates, "prompts_list": found.prompts}
    assert lists.pop(method) == ()
    assert [len(items) for items in (found.tools, *lists.values())] == [1, 1, 1]


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("place", ["first", "second"])
async def test_a_server_that_refuses_to_list_its_tools_is_unavailable(place: str) -> None:
    with pytest.raises(UnavailableError, match="refuses to list its tools"):
        await described(a_server(tools_list=place), Era.LEGACY, DECLARED)


@pytest.mark.requirement("I16")
async def test_half_a_list_is_no_list() -> None:
    with pytest.raises(UnavailableError, match="refuses to list its prompts"):
        await described(a_server(prompts_list="second"), Era.LEGACY, DECLARED)
