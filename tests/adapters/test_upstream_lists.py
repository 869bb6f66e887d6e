"""What a server says of itself: every declared list, without what cannot be shown."""

from collections.abc import Mapping
from typing import Any

import pytest

from ringfence.adapters.upstream.describing import MAX_INSTRUCTIONS, MAX_LEFT_OUT, Declared, declared_in, described
from ringfence.adapters.upstream.listing import MAX_ITEMS, MAX_PAGES, MAX_URI, MAX_WHY
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
async def test_a_uri_that_cannot_be_shown_is_left_out_alone(uri: Any) -> None:
    said = await describe(resources_list=[{"resources": [{"name": "r", "uri": uri}, RESOURCE]}])
    assert said.resources == (RESOURCE,)
    assert said.left_out == ("the server lists a resource without a legal uri",)
    said = await describe(resources_templates_list=[{"resourceTemplates": [TEMPLATE, {"name": "t", "uriTemplate": uri}]}])
    assert said.templates == (TEMPLATE,)
    assert said.left_out == ("the server lists a resource template without a legal uriTemplate",)


@pytest.mark.parametrize("name", [None, 5, "", "a\nb", "a\u200b", "x" * 300])
@pytest.mark.requirement("I16")
async def test_a_name_that_cannot_be_shown_is_left_out_alone(name: Any) -> None:
    said = await describe(
        prompts_list=[{"prompts": [{"name": name}, PROMPT]}],
        resources_list=[{"resources": [{**RESOURCE, "uri": "note:///2", "name": name}, RESOURCE]}],
    )
    assert (said.prompts, said.resources) == ((PROMPT,), (RESOURCE,))
    assert said.left_out == (
        "the server lists a resource without a legal name",
        "the server lists a prompt without a legal name",
    )


@pytest.mark.requirement("I16")
async def test_look_alikes_that_are_pinned_are_kept_for_the_comparison_and_others_are_left_out() -> None:
    for other in ("p", "P", "\uff50"):
        said = await describe(prompts_list=[{"prompts": [PROMPT]}, {"prompts": [{"name": other}]}])
        assert said.prompts == (PROMPT, {"name": other})
        assert said.left_out == ()
    said = await describe(resources_list=[{"resources": [RESOURCE, {**RESOURCE, "name": "other"}]}])
    assert said.resources == (RESOURCE,)
    assert "look alike" in said.left_out[0]


async def test_resources_beyond_the_most_are_left_out_and_that_is_said() -> None:
    many = [{"name": "r", "uri": f"note:///{n}"} for n in range(MAX_ITEMS + 1)]
    said = await describe(resources_list=[{"resources": many[1:]}])
    assert (len(said.resources), said.left_out) == (MAX_ITEMS, ())
    said = await describe(resources_list=[{"resources": many}], prompts_list=[{"prompts": [PROMPT]}])
    assert (len(said.resources), said.prompts) == (MAX_ITEMS, (PROMPT,))
    assert said.left_out == (f"the server lists more than {MAX_ITEMS} resources",)


@pytest.mark.attack("A13")
async def test_an_endless_list_of_resources_ends_without_taking_the_tools_along() -> None:
    class Endless(Server):
        async def ask(self, method: str, params: dict[str, Any]) -> Result | ErrorAnswer:
            self.asked.append(method)
            return Result(1, {"resources": [], "nextCursor": str(len(self.asked))})

    server = Endless()
    said = await described(server.ask, Era.LEGACY, Declared({"resources": {}}, ""))
    assert server.asked.count("resources/list") == MAX_PAGES
    assert any("more than" in why for why in said.left_out)


@pytest.mark.parametrize("cursor", [5, True, [], "x" * 10_000])
async def test_a_cursor_that_cannot_be_followed_ends_the_list_and_that_is_said(cursor: Any) -> None:
    said = await describe(resources_list=[{"resources": [RESOURCE], "nextCursor": cursor}])
    assert said.resources == (RESOURCE,)
    assert len(said.left_out) == 1


@pytest.mark.parametrize("listed", [None, {}, "all", [5], ["a"], [[]]])
async def test_what_is_no_list_of_objects_is_left_out(listed: Any) -> None:
    said = await describe(resources_list=[{"resources": listed}], prompts_list=[{"prompts": [PROMPT]}])
    assert (said.resources, said.prompts) == ((), (PROMPT,))
    assert len(said.left_out) == 1


async def test_complaints_are_bounded_in_number_and_length() -> None:
    twins = [{"uri": f"note:///{n}", "name": f"{n}" + "\u00fc" * 200} for n in range(60) for _ in range(2)]
    said = await describe(resources_list=[{"resources": twins}])
    assert len(said.left_out) == MAX_LEFT_OUT
    assert all(len(why) <= MAX_WHY and why.isascii() for why in said.left_out)


def test_a_declaration_is_read_strictly_and_bounded() -> None:
    assert declared_in({}) == Declared({}, "")
    assert declared_in({"capabilities": {"tools": {}}, "instructions": 5}) == Declared({"tools": {}}, "")
    assert len(declared_in({"instructions": "x" * 10**6}).instructions) == MAX_INSTRUCTIONS
    for capabilities in (None, [], "all"):
        with pytest.raises(UnavailableError):
            declared_in({"capabilities": capabilities})
