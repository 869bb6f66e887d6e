"""Runs that ask models and call tools until the gateway pauses them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.core.metering.request import ModelRequest, read_request
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule
from ringfence.core.model.agent import Limits
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.guards import GuardRules
from ringfence.core.model.stop import Stop
from ringfence.core.model.stop_when import NEVER, StopWhen
from ringfence.core.own_tools.modelling import Act
from ringfence.core.rules import AgentRule, Rules, ToolRule
from ringfence.engine.models.asking import Asking, Given
from ringfence.engine.runs.runs import Opened
from ringfence.ports.model_upstream import ModelPost
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World, presented

MODEL = "claude-sonnet-4-5"
ON = GuardRules()


class Reader:
    """A client that waits for a whole answer."""

    is_gone = False

    def watch(self, gone: Callable[[], None]) -> None:
        pass

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        raise AssertionError("nothing streams here")

    async def write(self, data: bytes) -> None:
        raise AssertionError("nothing streams here")

    async def break_off(self, last: bytes, *, at_once: bool) -> None:
        pass


def guarded(
    *tools: ToolRule, guards: GuardRules | None = ON, stop_when: StopWhen = NEVER, patterns: tuple[str, ...] = ("*",)
) -> Rules:
    """An agent that may do everything, with these guards."""
    agent = AgentRule(
        id=SUPPORT, purpose="works", tools=patterns, models=("*",), limits=Limits(stop_when=stop_when),
        delegate=SpawnCaps(depth=3, children=90, tree=99),
    )  # fmt: skip
    models = ModelRules(upstreams=(ModelUpstreamRule(name="vendor"),))
    rules = shop_rules(agents=(agent,), tools=tools) if tools else shop_rules(agents=(agent,))
    return replace(rules, models=models, guards=guards)


async def world_of(rules: Rules, answers: Callable[[Mapping[str, Any]], Mapping[str, int] | None] | None = None) -> World:
    usage = {"input_tokens": 10, "output_tokens": 5}
    return await World.build(rules=rules, models={"vendor": FakeModel(answers or (lambda _: usage))})


async def ask(world: World, run: Opened, *said: str) -> Given:
    """One request, whose conversation has these messages."""
    messages = [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(said)]
    body = json.dumps({"model": MODEL, "max_tokens": 400, "messages": messages}).encode()
    request = read_request(body)
    assert isinstance(request, ModelRequest)
    asking = Asking(act=Act.MESSAGES, request=request, digest=hashlib.sha256(body).hexdigest())
    return await world.models.ask(presented(run), ModelPost(method="POST", target="/v1/messages", body=body), asking, Reader())


async def pauses(world: World) -> list[Stop]:
    return list(await world.stops.in_force())
