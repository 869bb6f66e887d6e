"""What a server says of itself: every declared list, whole and legal, or nothing."""

from collections.abc import Mapping
from typing import Any

import pytest

from ringfence.adapters.upstream.describing import MAX_INSTRUCTIONS, Declared, declared_in, described
from ringfence.adapters.upstream.listing import MAX_ITEMS, MAX_URI
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Result
from ringfence.adapters.wire.mcp import Era
from ringfence.errors import UnavailableError

ALL = {"tools": {}, "resources": {}, "prompts": {}, "completions": {}}
RESOURCE = {"name": "r", "uri": "note:///1"}
TEMPLATE = {"name": "t", "uriTemplate": "note:///{n}"}
PROMPT = {"name": "p"}


class Server:
    """Answers each list method with the pages given; the cursor is the number of the next."""

    def __init__(self, **pages: Any) -> None:
        self._pages = {name.replace("_", "/"): given for name, given in pages.items()}
        self.asked: list[str] = []

    async def ask(self, method: str, params: dict[str, Any]) -> Result | ErrorAnswer:
        self.asked.append(method)
        pages = self._pages.get(method)
        if pages is None:
            return ErrorAnswer(1, -32601, "no such method")
        place = int(params.get("cursor", 0))
        following = {"nextCursor": str(place + 1)} if place + 1 < len(pages) else {}
        return pages[place] if isinstance(pages[place], ErrorAnswer) else Result(1, {**pages[place], **following})


async def describe(capabilities: Mapping[str, Any] = ALL, **pages: Any) -> Any:
    server = Server(**pages)
    return await described(server.ask, Era.LEGACY, Declared(capabilities, ""))


async def test_every_list_is_read_to_its_end() -> None:
    said = await describe(
        tools_list=[{"tools": []}],
        resources_list=[{"resources": [RESOURCE]}, {"resources": [{"name": "s", "uri": "note:///2"}]}],
        resources_templates_list=[{"resourceTemplates": [TEMPLATE]}],
        prompts_list=[{"prompts": [PROMPT]}],
    )
    assert said.tools == ()
    assert [item["uri"] for item in said.resources] == ["note:///1", "note:///2"]
    assert said.templates == (TEMPLATE,)
    assert said.prompts == (PROMPT,)


async def test_what_is_not_declared_is_not_asked_for() -> None:
    server = Server(tools_list=[{"tools": []}])
    said = await described(server.ask, Era.MODERN, Declared({"tools": {}}, "hello"))
    assert server.asked == ["tools/list"]
    assert (said.era, said.instructions, said.resources) == ("modern", "hello", ())


async def test_a_list_that_the_server_does_not_know_is_empty() -> None:
    said = await describe(resources_list=[{"resources": [RESOURCE]}])
    assert said.resources == (RESOURCE,)
    assert said.tools == said.templates == said.prompts == ()


async def test_a_list_that_is_lost_on_the_way_is_not_taken_for_whole() -> None:
    pages = [{"resources": [RESOURCE]}, ErrorAnswer(1, -32601, "no such method")]
    with pytest.raises(UnavailableError):
        await describe(resources_list=pages)


BAD_URIS: list[Any] = [None, 5, "", "a" * (MAX_URI + 1), "note:///\n", "note:///\x00", "note:///\x7f", "a\u200bb", "a\u202eb"]


@pytest.mark.parametrize("uri", BAD_URIS)
@pytest.mark.requirement("I16")
async def test_a_uri_that_cannot_be_shown_spoils_the_list(uri: Any) -> None:
    with pytest.raises(UnavailableError):
        await describe(resources_list=[{"resources": [{"name": "r", "uri": uri}]}])
    with pytest.raises(UnavailableError):
        await describe(resources_templates_list=[{"resourceTemplates": [{"name": "t", "uriTemplate": uri}]}])


@pytest.mark.parametrize("name", [None, 5, "", "a\nb", "a\u200b", "x" * 300])
@pytest.mark.requirement("I16")
async def test_a_name_that_cannot_be_shown_spoils_the_list(name: Any) -> None:
    with pytest.raises(UnavailableError):
        await describe(prompts_list=[{"prompts": [{"name": name}]}])
    with pytest.raises(UnavailableError):
        await describe(resources_list=[{"resources": [{**RESOURCE, "name": name}]}])


@pytest.mark.requirement("I16")
async def test_two_prompts_that_look_alike_spoil_the_list() -> None:
    for other in ("p", "P", "\uff50"):
        with pytest.raises(UnavailableError, match="look alike"):
            await describe(prompts_list=[{"prompts": [PROMPT]}, {"prompts": [{"name": other}]}])
    with pytest.raises(UnavailableError, match="look alike"):
        await describe(resources_list=[{"resources": [RESOURCE, {**RESOURCE, "name": "other"}]}])


async def test_too_many_resources_are_refused() -> None:
    many = [{"name": "r", "uri": f"note:///{n}"} for n in range(MAX_ITEMS + 1)]
    assert len((await describe(resources_list=[{"resources": many[1:]}])).resources) == MAX_ITEMS
    with pytest.raises(UnavailableError):
        await describe(resources_list=[{"resources": many}])


@pytest.mark.parametrize("listed", [None, {}, "all", [5], ["a"], [[]]])
async def test_what_is_no_list_of_objects_is_refused(listed: Any) -> None:
    with pytest.raises(UnavailableError):
        await describe(resources_list=[{"resources": listed}])


def test_a_declaration_is_read_strictly_and_bounded() -> None:
    assert declared_in({}) == Declared({}, "")
    assert declared_in({"capabilities": {"tools": {}}, "instructions": 5}) == Declared({"tools": {}}, "")
    assert len(declared_in({"instructions": "x" * 10**6}).instructions) == MAX_INSTRUCTIONS
    for capabilities in (None, [], "all"):
        with pytest.raises(UnavailableError):
            declared_in({"capabilities": capabilities})
