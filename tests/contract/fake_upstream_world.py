"""The fake upstream, playing the server of the upstream contract."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.core.strict_json.canonical import parse_strict
from ringfence.ports.upstream import Answered, Described, Failed, Granted, Notice, NoticeKind, Reply, Sending, ServerRequest
from ringfence.testing.contracts.upstream_features import METHODS, NOTES
from ringfence.testing.fakes.upstream import FakeUpstream, tool

LEVELS = ("debug", "info", "error")


class FakeWorld:
    def __init__(self) -> None:
        self.upstream = fake = FakeUpstream([tool(name) for name in ("echo", "slow", "boom", "ask", "again", "log")])
        fake.hanging.add("slow")
        fake.progress["slow"] = tuple({"progress": n, "total": 3} for n in (1, 2, 3))
        fake.described = Described(
            era="modern",
            capabilities={name: {} for name in ("tools", "resources", "prompts", "completions")},
            instructions="Notes and echoes.",
            resources=tuple({"uri": uri, "name": uri} for uri in NOTES),
            templates=({"uriTemplate": "note:///{n}", "name": "notes"},),
            prompts=({"name": "ask for"},),
        )
        fake.acts |= {
            "ask": _ask,
            "again": _again,
            "log": _log,
            "resources/read": _read,
            "prompts/get": _prompt,
            "completion/complete": _complete,
        }
        self._heard = 0

    @property
    def slow_arguments(self) -> Mapping[str, Any]:
        return {}

    def release(self) -> None:
        self.upstream.release()

    def executed(self) -> list[tuple[str, Any]]:
        return [(item.tool, parse_strict(item.arguments)) for item in self.upstream.executed]

    def cancelled(self) -> list[str]:
        return [item.tool for item in self.upstream.cancelled]

    async def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(1000):
            if holds():
                return
            await asyncio.sleep(0)
        raise AssertionError("it never came to hold")

    def announce(self, *what: str) -> None:
        for item in what:
            for uris, tell in tuple(self.upstream.listeners):
                if item in uris:
                    tell(Notice(NoticeKind.UPDATED, item))
                elif item not in NOTES:
                    tell(Notice(NoticeKind(item)))

    async def until_heard(self) -> None:
        await self.until(lambda: bool(self.upstream.listeners))


def _text(value: Any) -> Answered:
    return Answered({"content": [{"type": "text", "text": json.dumps(value)}], "isError": False})


async def _ask(sending: Sending) -> Reply:
    what: list[str] = parse_strict(sending.arguments)["what"]
    answers = await sending.on_requests({k: ServerRequest(METHODS[k], {}) for k in what}) if sending.on_requests else {}
    said: dict[str, Any] = {}
    for key in what:
        answer = answers.get(key)
        said[key] = dict(answer.result) if isinstance(answer, Granted) else {"error": -32601}
    return _text(said)


async def _again(sending: Sending) -> Reply:
    return _text(parse_strict(sending.arguments)["times"])


async def _log(sending: Sending) -> Reply:
    if sending.on_log is not None and sending.log_level is not None:
        for level in LEVELS[LEVELS.index(sending.log_level) :]:
            sending.on_log({"level": level, "data": {"said": level}})
    return _text("logged")


async def _read(sending: Sending) -> Reply:
    uri = parse_strict(sending.arguments)["uri"]
    if uri not in NOTES:
        return Failed(-32602, "no such note")
    return Answered({"contents": [{"uri": uri, "text": f"text of {uri}"}]})


async def _prompt(sending: Sending) -> Reply:
    params = parse_strict(sending.arguments)
    text = f"{params['name']}: {params['arguments']['what']}"
    return Answered({"messages": [{"role": "user", "content": {"type": "text", "text": text}}]})


async def _complete(sending: Sending) -> Reply:
    value = parse_strict(sending.arguments)["argument"]["value"]
    return Answered({"completion": {"values": [f"{value}a", f"{value}b"]}})
