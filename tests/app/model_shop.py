"""A gateway on fakes with one model behind it, and a client that keeps its conversation with that model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ringfence.app.data_plane import App
from ringfence.app.gateway import Gateway
from ringfence.app.wiring.models import with_models
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule
from ringfence.core.model.run import Posture
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.runs.runs import Opened
from ringfence.ports.audit import AuditLog
from ringfence.ports.model_upstream import ModelPost, Unsent
from ringfence.ports.store import Store
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.fakes.model_upstream import WholeAnswer
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

HOST = "127.0.0.1:7410"
VENDOR = ModelUpstreamRule(name="vendor")


class ScriptedModel:
    """Answers with the content blocks that it is given, one list for each request; with a word when there are no more."""

    def __init__(self, *answers: Sequence[Mapping[str, Any]]) -> None:
        self.answers = list(answers)
        self.sent: list[ModelPost] = []

    async def send(self, post: ModelPost, may_send: Callable[[], bool]) -> WholeAnswer | Unsent:
        if not may_send():
            return Unsent("stopped")
        self.sent.append(post)
        content = self.answers.pop(0) if self.answers else [{"type": "text", "text": "done"}]
        usage = {"input_tokens": 3, "output_tokens": 4}
        answer = {"type": "message", "role": "assistant", "model": "m", "content": content, "usage": usage}
        return WholeAnswer(json.dumps(answer).encode())

    async def close(self) -> None:
        pass


class ModelShop:
    """One gateway, one run."""

    def __init__(self, world: World, app: App, model: ScriptedModel, run: Opened) -> None:
        self.world = world
        self.app = app
        self.model = model
        self.run = run
        self.messages: list[dict[str, Any]] = []

    @classmethod
    async def open(
        cls,
        *answers: Sequence[Mapping[str, Any]],
        models: ModelRules | None = None,
        store: tuple[Store, AuditLog] | None = None,
        run: Opened | None = None,
        tools: tuple[str, ...] = (),
        rules: Rules | None = None,
    ) -> ModelShop:
        world = await World.build(
            rules=rules or model_rules(models, tools), models={"vendor": (model := ScriptedModel(*answers))}, store=store
        )
        app = with_models(cast("Gateway", world), _others, (HOST,), lambda peer: Posture.SEPARATE, world.clock)
        return cls(world, app, model, run or await world.open_run())

    async def again(self) -> ModelShop:
        """Another process on the same store, with the same run and conversation."""
        fresh = await ModelShop.open(
            models=self.world.catalogue.rules.models, store=(self.world.store, self.world.log), run=self.run
        )
        fresh.messages = self.messages
        return fresh

    async def ask(self, *content: Any, **members: Any) -> Exchange:
        """Go on with the conversation: what the model said is kept."""
        self.messages.append({"role": "user", "content": list(content)})
        answer = await self.send(self.messages, **members)
        if answer.status == 200:
            self.messages.append({"role": "assistant", "content": answer.json["content"]})
        return answer

    async def send(self, messages: Sequence[Any], **members: Any) -> Exchange:
        body = json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": list(messages), **members}).encode()
        headers = {"host": HOST, "content-type": "application/json", "x-api-key": self.run.credential}
        return await start(self.app, "POST", "/anthropic/v1/messages", headers, body).done()

    async def entries(self, kind: str) -> list[Mapping[str, Any]]:
        return [entry for entry in await self.world.entries() if entry["kind"] == kind]


def model_rules(models: ModelRules | None = None, tools: tuple[str, ...] = ()) -> Rules:
    asks = AgentRule(id=SUPPORT, purpose="asks models", tools=tools, models=("*",))
    return replace(shop_rules(agents=(asks,)), models=models or ModelRules(upstreams=(VENDOR,)))


def used(id: str, name: str, /, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": given}


def result(id: str, content: Any = "what it said", **members: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": content, **members}


async def _others(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nothing but models is asked")
