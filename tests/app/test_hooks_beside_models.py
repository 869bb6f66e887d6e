"""One use of a client's tool, seen twice: by its hooks, and in what the client sends to its model. It is told of once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.app.model_shop import HOST, VENDOR, ScriptedModel, result, used
from tests.pep.hook_world import HookWorld, coder

from ringfence.app.gateway import Gateway
from ringfence.app.wiring.models import with_models
from ringfence.core.metering.rules import ModelRules
from ringfence.core.model.run import Posture
from ringfence.core.model.ticket import TicketState
from ringfence.testing.asgi import start
from ringfence.testing.scenario import shop_rules


async def _others(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nothing but models is asked")


class Seen:
    """A client whose hooks and whose model are both behind the gateway."""

    def __init__(self, hooks: HookWorld) -> None:
        self.hooks = hooks
        self.app = with_models(cast("Gateway", hooks.world), _others, (HOST,), lambda peer: Posture.SEPARATE, hooks.world.clock)

    @classmethod
    async def open(cls, *answers: list[dict[str, Any]]) -> Seen:
        agent = replace(coder(), models=("*",))
        rules = replace(shop_rules(agents=(agent,)), models=ModelRules(upstreams=(VENDOR,)))
        return cls(await HookWorld.open(rules=rules, models={"vendor": ScriptedModel(*answers)}))

    async def ask(self, *messages: dict[str, Any]) -> None:
        body = json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages}).encode()
        headers = {"host": HOST, "content-type": "application/json", "x-api-key": self.hooks.run.credential}
        answer = await start(self.app, "POST", "/anthropic/v1/messages", headers, body).done()
        assert answer.status == 200


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("needs_approval", [False, True])
async def test_a_use_that_its_hook_decided_is_recorded_and_labelled_by_that_alone(needs_approval: bool) -> None:
    command = "rm a" if needs_approval else "cat a"
    use = used("toolu_1", "Bash", command=command)
    seen = await Seen.open([use])
    start_of = {"role": "user", "content": "go"}
    await seen.ask(start_of)
    held = seen.hooks.begin(seen.hooks.bash(command, "toolu_1"))
    if needs_approval:
        await seen.hooks.world.clock.until_sleeping()
        (ticket,) = await seen.hooks.world.store.tickets(frozenset({TicketState.PENDING}))
        await seen.hooks.world.approve(ticket)
    await held.done()
    await seen.hooks.after(command, "toolu_1")
    await seen.ask(start_of, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result("toolu_1")]})
    assert [entry["body"] for entry in await seen.hooks.entries("observed") if "results" in entry["body"]] == []
    run = await seen.hooks.world.store.run(seen.hooks.run.run.id)
    assert run is not None
    assert not run.label.is_untrusted, "what is said of the tool by its judgement counts, not what is said of unknown tools"


async def test_a_use_that_no_hook_has_seen_is_told_of_by_what_the_model_is_sent() -> None:
    use = used("toolu_1", "Bash", command="cat a")
    seen = await Seen.open([use])
    await seen.ask({"role": "user", "content": "go"})
    history = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result("toolu_1")]}]
    await seen.ask({"role": "user", "content": "go"}, *history)
    (entry,) = [entry for entry in await seen.hooks.entries("observed") if "results" in entry["body"]]
    assert entry["body"]["results"][0]["name"] == "Bash"


@pytest.mark.parametrize(("client_tool", "given"), [("TodoWrite", {"todos": []}), ("Task", {"prompt": "x"})])
async def test_tools_that_have_another_name_here_are_known_by_their_clients(client_tool: str, given: dict[str, Any]) -> None:
    use = used("toolu_1", client_tool, **given)
    seen = await Seen.open([use])
    await seen.ask({"role": "user", "content": "go"})
    await seen.hooks.post(seen.hooks.before(client_tool, given, "toolu_1"))
    history = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result("toolu_1")]}]
    await seen.ask({"role": "user", "content": "go"}, *history)
    assert [entry for entry in await seen.hooks.entries("observed") if "results" in entry["body"]] == []
