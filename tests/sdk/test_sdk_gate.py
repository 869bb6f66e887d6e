"""An agent's way to the gateway: every answer that is none is a refusal, in the words that the client acts upon."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from ringfence.sdk.closed import WITHHELD
from ringfence.sdk.gate import Gate

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BASH = {"stdout": "the secret", "stderr": "", "interrupted": False, "isImage": False}
EVENTS: dict[str, dict[str, Any]] = {
    name: {"hook_event_name": name, "tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "toolu_1", **more}
    for name, more in {
        "PreToolUse": {},
        "PermissionRequest": {},
        "PostToolUse": {"tool_response": BASH},
        "PostToolUseFailure": {"error": "Exit code 1\nthe secret"},
        "PostToolBatch": {"tool_calls": []},
        "UserPromptSubmit": {"prompt": "go on"},
        "ConfigChange": {"source": "project_settings"},
        "Stop": {},
    }.items()
}


@asynccontextmanager
async def served(handler: Handler) -> AsyncGenerator[str]:
    """Something that answers `/hook`; its address."""
    app = web.Application()
    app.router.add_post("/hook", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def refuses(answer: dict[str, Any]) -> bool:
    """Whether the client stops on it."""
    said = answer.get("hookSpecificOutput") or {}
    permission = (said.get("decision") or {}).get("behavior")
    return said.get("permissionDecision") == "deny" or permission == "deny" or answer.get("decision") == "block"


async def corrupt(request: web.Request) -> web.StreamResponse:
    return web.Response(text='{"hookSpecificOutput": {"permissionDecision": "al')


async def failing(request: web.Request) -> web.StreamResponse:
    return web.json_response({"hookSpecificOutput": {"permissionDecision": "allow"}}, status=500)


async def elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:9/hook")


async def a_list(request: web.Request) -> web.StreamResponse:
    return web.json_response([])


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def nothing(request: web.Request) -> web.StreamResponse:
    return web.json_response({})


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("handler", [corrupt, failing, elsewhere, a_list, cut])
@pytest.mark.parametrize("name", ["PreToolUse", "PermissionRequest", "UserPromptSubmit", "ConfigChange", "PostToolBatch"])
async def test_what_is_no_answer_refuses_everything_that_can_be_refused(name: str, handler: Handler) -> None:
    async with served(handler) as address:
        assert refuses(await Gate(address, "credential").ask(EVENTS[name]))


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("name", ["PreToolUse", "PermissionRequest", "UserPromptSubmit", "ConfigChange", "PostToolBatch"])
async def test_a_gateway_that_is_away_refuses_everything_that_can_be_refused(name: str) -> None:
    assert refuses(await Gate("http://127.0.0.1:9", "credential").ask(EVENTS[name]))


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("name", ["PreToolUse", "PermissionRequest"])
async def test_no_opinion_about_a_call_is_a_refusal(name: str) -> None:
    async with served(nothing) as address:
        assert refuses(await Gate(address, "credential").ask(EVENTS[name]))


async def test_no_opinion_about_anything_else_is_passed_on() -> None:
    async with served(nothing) as address:
        gate = Gate(address, "credential")
        assert [await gate.ask(EVENTS[name]) for name in ("UserPromptSubmit", "PostToolUse", "Stop")] == [{}, {}, {}]


async def test_a_decision_is_passed_on_as_it_is_and_asked_for_with_the_runs_credential() -> None:
    asked: list[tuple[str, Any]] = []
    allowed = {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}}

    async def allowing(request: web.Request) -> web.StreamResponse:
        asked.append((request.headers["Authorization"], await request.json()))
        return web.json_response(allowed)

    async with served(allowing) as address:
        assert await Gate(address, "credential").ask(EVENTS["PreToolUse"]) == allowed
    assert asked == [("Bearer credential", EVENTS["PreToolUse"])]


@pytest.mark.requirement("I4")
async def test_a_proxy_that_the_environment_names_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def proxy(request: web.Request) -> web.StreamResponse:
        return web.json_response({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}})

    async with served(proxy) as address:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, address)
        assert refuses(await Gate("http://127.0.0.1:9", "credential").ask(EVENTS["PreToolUse"]))


@pytest.mark.requirement("I4")
async def test_a_result_that_nobody_looked_at_is_withheld_in_its_own_shape() -> None:
    answer = await Gate("http://127.0.0.1:9", "credential").ask(EVENTS["PostToolUse"])
    assert answer["hookSpecificOutput"]["updatedToolOutput"] == {**BASH, "stdout": WITHHELD}


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("name", ["PostToolUse", "PostToolUseFailure"])
async def test_after_a_result_that_nobody_looked_at_the_turn_ends(name: str) -> None:
    is_away = True

    async def flaky(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503) if is_away else web.json_response({})

    async with served(flaky) as address:
        gate = Gate(address, "credential")
        await gate.ask(EVENTS[name])
        is_away = False
        ended = await gate.ask(EVENTS["PostToolBatch"])
        assert refuses(ended)
        assert ended["continue"] is False
        assert await gate.ask(EVENTS["PostToolBatch"]) == {}


async def test_what_cannot_be_stopped_is_not_made_up_for() -> None:
    assert await Gate("http://127.0.0.1:9", "credential").ask(EVENTS["Stop"]) == {}
