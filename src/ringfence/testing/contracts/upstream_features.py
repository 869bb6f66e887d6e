"""What every upstream must hold besides tools: lists, methods, what a server asks, logs, change notices."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import pytest

from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.ports.upstream import (
    Answered,
    Asker,
    ClientAnswer,
    Declined,
    Failed,
    Granted,
    Notice,
    NoticeKind,
    Sending,
    ServerRequest,
)
from ringfence.testing.contracts.upstream import UpstreamWorld, sending

NOTES = tuple(f"note:///{n}" for n in range(3))
CAPABILITIES: Mapping[str, Any] = {"sampling": {}, "roots": {}, "elicitation": {"form": {}}}
GRANTED: Mapping[str, Mapping[str, Any]] = {
    "elicitation/create": {"action": "accept", "content": {"which": "grüße \u2028"}},
    "sampling/createMessage": {"role": "assistant", "content": {"type": "text", "text": "hi"}, "model": "m"},
    "roots/list": {"roots": [{"uri": "file:///project"}]},
}
METHODS = {"elicitation": "elicitation/create", "sampling": "sampling/createMessage", "roots": "roots/list"}


class FeatureWorld(UpstreamWorld, Protocol):
    """An upstream whose server has `NOTES` as resources, the template `note:///{n}`, the prompt `ask for` (argument `what`),
    and the tools `ask` (asks for what its argument `what` lists, of `METHODS`, and answers what it got as JSON text), `again`
    (in the modern era asks for nothing but to come back, `times` times) and `log` (logs at debug, info and error)."""

    def announce(self, *what: str) -> None:
        """Have the server say that `tools`, `prompts` or `resources` have changed, or the resource of this URI."""
        ...

    async def until_heard(self) -> None:
        """Return when the server can be expected to know its listener."""
        ...


class Client:
    """A client that is asked."""

    def __init__(self, answers: Mapping[str, ClientAnswer] | None = None) -> None:
        self._answers = answers or {}
        self.asked: list[ServerRequest] = []

    async def ask(self, requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        self.asked.extend(requests.values())
        return {key: self._answers.get(item.method, Granted(GRANTED[item.method])) for key, item in requests.items()}


def asking(*what: str, ask: Asker | None, capabilities: Mapping[str, Any] = CAPABILITIES, deadline_s: float = 20.0) -> Sending:
    return replace(sending("ask", {"what": list(what)}, deadline_s=deadline_s), capabilities=capabilities, on_requests=ask)


def of_method(method: str, params: Mapping[str, Any]) -> Sending:
    return replace(sending(""), method=method, arguments=canonical_bytes(dict(params)))


def said(reply: object) -> Any:
    """The JSON text that a tool answered."""
    assert isinstance(reply, Answered), reply
    return parse_strict(reply.result["content"][0]["text"].encode())


class UpstreamFeatures:
    """Subclass it in a test module that has a fixture `world`."""

    async def test_says_what_it_is_with_all_pages_of_all_lists(self, world: FeatureWorld) -> None:
        described = await world.upstream.describe()
        assert described.era in ("legacy", "modern")
        assert {"tools", "resources", "prompts", "completions"} <= set(described.capabilities)
        assert described.instructions == "Notes and echoes."
        assert {"echo", "ask"} <= {tool["name"] for tool in described.tools}
        assert tuple(item["uri"] for item in described.resources) == NOTES
        assert [item["uriTemplate"] for item in described.templates] == ["note:///{n}"]
        assert [item["name"] for item in described.prompts] == ["ask for"]

    async def test_reads_a_resource(self, world: FeatureWorld) -> None:
        reply = await world.upstream.call(of_method("resources/read", {"uri": NOTES[1]}))
        assert isinstance(reply, Answered), reply
        assert [item["text"] for item in reply.result["contents"]] == [f"text of {NOTES[1]}"]
        assert not {"resultType", "ttlMs", "cacheScope"} & set(reply.result)

    async def test_a_resource_that_is_not_there_is_a_failure(self, world: FeatureWorld) -> None:
        assert isinstance(await world.upstream.call(of_method("resources/read", {"uri": "note:///none"})), Failed)

    async def test_gets_a_prompt(self, world: FeatureWorld) -> None:
        reply = await world.upstream.call(of_method("prompts/get", {"name": "ask for", "arguments": {"what": "grüße"}}))
        assert isinstance(reply, Answered), reply
        assert reply.result["messages"][0]["content"]["text"] == "ask for: grüße"

    async def test_completes(self, world: FeatureWorld) -> None:
        params = {"ref": {"type": "ref/prompt", "name": "ask for"}, "argument": {"name": "what", "value": "z"}}
        reply = await world.upstream.call(of_method("completion/complete", params))
        assert isinstance(reply, Answered), reply
        assert reply.result["completion"]["values"] == ["za", "zb"]

    # --- what a server asks

    @pytest.mark.parametrize("what", METHODS)
    async def test_what_the_server_asks_is_asked_and_answered(self, world: FeatureWorld, what: str) -> None:
        client = Client()
        reply = await world.upstream.call(asking(what, ask=client.ask))
        assert [item.method for item in client.asked] == [METHODS[what]]
        assert said(reply) == {what: GRANTED[METHODS[what]]}

    async def test_a_server_may_ask_several_things_at_once(self, world: FeatureWorld) -> None:
        client = Client()
        reply = await world.upstream.call(asking(*METHODS, ask=client.ask))
        assert {item.method for item in client.asked} == set(METHODS.values())
        assert said(reply) == {what: GRANTED[method] for what, method in METHODS.items()}

    async def test_a_person_may_decline_and_the_call_goes_on(self, world: FeatureWorld) -> None:
        client = Client({"elicitation/create": Declined(-32601, "no")})
        answer = said(await world.upstream.call(asking("elicitation", ask=client.ask)))
        assert answer["elicitation"] in ({"action": "decline"}, {"error": -32601})

    async def test_a_declined_sampling_ends_well_too(self, world: FeatureWorld) -> None:
        client = Client({"sampling/createMessage": Declined(-32601, "no")})
        reply = await world.upstream.call(asking("sampling", ask=client.ask))
        assert isinstance(reply, Failed) or said(reply) == {"sampling": {"error": -32601}}

    async def test_nobody_to_ask_is_declined(self, world: FeatureWorld) -> None:
        answer = said(await world.upstream.call(asking("elicitation", ask=None)))
        assert answer["elicitation"] in ({"action": "decline"}, {"error": -32601})

    async def test_a_call_that_waits_for_its_client_can_be_cancelled(self, world: FeatureWorld) -> None:
        asked, given_up = asyncio.Event(), asyncio.Event()

        async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
            return {}

        call = asyncio.create_task(world.upstream.call(asking("elicitation", ask=ask)))
        await asked.wait()
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        assert given_up.is_set()

    async def test_a_server_may_only_want_the_call_again(self, world: FeatureWorld) -> None:
        assert said(await world.upstream.call(sending("again", {"times": 3}))) == 3

    # --- logs

    async def test_logs_reach_a_call_that_wants_them_as_severe_as_it_wants(self, world: FeatureWorld) -> None:
        logs: list[Mapping[str, Any]] = []
        await world.upstream.call(replace(sending("log"), log_level="info", on_log=logs.append))
        assert [(item["level"], item["data"]) for item in logs] == [("info", {"said": "info"}), ("error", {"said": "error"})]

    async def test_a_call_that_wants_no_logs_gets_none(self, world: FeatureWorld) -> None:
        logs: list[Mapping[str, Any]] = []
        await world.upstream.call(replace(sending("log"), on_log=logs.append))
        assert logs == []

    # --- notices

    async def test_change_notices_come_with_updates_of_the_wanted_resources_only(self, world: FeatureWorld) -> None:
        heard: set[Notice] = set()
        listening = asyncio.create_task(world.upstream.listen(frozenset(NOTES[:1]), heard.add))
        await world.until_heard()
        world.announce("tools", "prompts", "resources", NOTES[1], NOTES[0])
        await world.until(lambda: Notice(NoticeKind.UPDATED, NOTES[0]) in heard)
        listening.cancel()
        await asyncio.wait([listening])
        lists = {Notice(kind) for kind in (NoticeKind.TOOLS, NoticeKind.PROMPTS, NoticeKind.RESOURCES)}
        assert heard == {*lists, Notice(NoticeKind.UPDATED, NOTES[0])}

    async def test_listening_can_begin_again_with_other_resources(self, world: FeatureWorld) -> None:
        heard: set[Notice] = set()
        for uri in NOTES[1:]:
            listening = asyncio.create_task(world.upstream.listen(frozenset({uri}), heard.add))
            await world.until_heard()
            world.announce(uri)
            await world.until(lambda uri=uri: Notice(NoticeKind.UPDATED, uri) in heard)
            listening.cancel()
            await asyncio.wait([listening])
        assert heard == {Notice(NoticeKind.UPDATED, uri) for uri in NOTES[1:]}
