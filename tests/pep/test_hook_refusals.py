"""Whatever is wrong, a hook is answered with a refusal that its client understands: never silence, never an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.pep.hook_world import CWD, HOST, HookWorld, coder, decision_of, endpoint

from ringfence.adapters.pep.hook.parse import parsed
from ringfence.adapters.pep.hook.settings import HookLimits
from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.model.local_rules import Client
from ringfence.core.own_tools.local_calls import TOOLS
from ringfence.errors import RequestError
from ringfence.testing.asgi import start
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.world import World

REFUSES_EVERYTHING = {"continue", "stopReason", "decision", "reason"}


def refuses(answer: dict[str, Any]) -> bool:
    """Whether the client would stop at this, whichever event it was about."""
    said: dict[str, Any] = answer.get("hookSpecificOutput", {})
    return answer.get("decision") == "block" or said.get("permissionDecision") == "deny"


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("command", ["boom", "late"])
async def test_a_judge_that_breaks_or_is_late_denies(command: str) -> None:
    hooks = await HookWorld.open()
    answer = await hooks.ask(command)
    assert answer["permissionDecision"] == "deny"
    assert "nothing was sent" in answer["permissionDecisionReason"]
    assert await hooks.entries("decision") == []


@pytest.mark.requirement("I3")
async def test_where_nothing_can_judge_everything_is_denied() -> None:
    world = await World.build(rules=(await HookWorld.open()).world.catalogue.rules)
    hooks = await HookWorld.open()
    hooks.app, hooks.world = endpoint(world), world
    hooks.run = await world.open_run("support")
    assert (await hooks.ask("cat a"))["permissionDecision"] == "deny"


@pytest.mark.requirement("I3", "I1")
@pytest.mark.parametrize("step", [StoreStep.RECORD, StoreStep.JOURNALED, StoreStep.READ, StoreStep.STOPS_ON])
async def test_a_store_that_does_not_answer_denies(step: StoreStep) -> None:
    memory = MemoryStore()
    store = FakeStore(memory)
    hooks = await HookWorld.open(store=(store, memory))
    store.fail_at(step)
    answer = await hooks.post(hooks.bash("touch a"))
    assert refuses(answer)
    store.work_again()
    assert (await hooks.ask("touch a"))["permissionDecision"] == "allow"


@pytest.mark.requirement("I1")
async def test_a_write_waits_for_the_disk_and_is_denied_where_that_fails() -> None:
    memory = MemoryStore()
    store = FakeStore(memory)
    hooks = await HookWorld.open(store=(store, memory))
    store.fail_at(StoreStep.DURABLE)
    assert (await hooks.ask("touch a"))["permissionDecision"] == "deny"
    assert (await hooks.ask("cat a"))["permissionDecision"] == "allow", "what only reads need not wait for it"


@pytest.mark.requirement("I3")
async def test_a_result_that_cannot_be_recorded_is_withheld() -> None:
    memory = MemoryStore()
    store = FakeStore(memory)
    hooks = await HookWorld.open(store=(store, memory))
    await hooks.ask("cat a", "u1")
    store.fail_at(StoreStep.RECORD)
    said = await hooks.after("cat a", "u1", "what it says")
    assert "what it says" not in said["hookSpecificOutput"]["updatedToolOutput"]["stdout"]


@pytest.mark.requirement("I3")
async def test_nobody_known_is_denied_in_the_form_of_the_event() -> None:
    hooks = await HookWorld.open()
    for credential in ("Bearer rf_run_nobody", "Basic abc", None):
        answer = await hooks.post(hooks.bash("cat a"), authorization=credential)
        assert decision_of(answer)["permissionDecision"] == "deny"
    prompt = await hooks.post(hooks.event("UserPromptSubmit", prompt="hi"), authorization=None)
    assert set(prompt) == REFUSES_EVERYTHING
    changed = await hooks.post(hooks.event("ConfigChange", source="user_settings"), authorization=None)
    assert changed["decision"] == "block"
    result = hooks.event("PostToolUse", tool_name="Bash", tool_input={}, tool_response={"stdout": "secret"})
    shown = await hooks.post(result, authorization=None)
    assert shown["decision"] == "block"
    assert "secret" not in json.dumps(shown)
    assert await hooks.post(hooks.event("Stop"), authorization=None) == {}
    assert await hooks.entries("decision") == []


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{} {}",
        b'{"hook_event_name": "PreToolUse"}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": "rm"}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Ba sh", "tool_input": {}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {}, "tool_use_id": 7}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {}, "tool_input": {"command": "rm"}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "\\ud800"}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"timeout": 1e999}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "mcp__", "tool_input": {}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "mcp__a__b", "tool_input": {}, "mcp_server": {"name": "ringfence"}}',
        b'{"hook_event_name": "PostToolBatch", "tool_calls": {}}',
        b'{"hook_event_name": ["PreToolUse"]}',
        b'{"hook_event_name": "PreToolUse", "x": "\xff"}',
        b"[" * 100_000,
    ],
)
async def test_what_is_no_event_is_refused_whatever_it_was_about(body: bytes) -> None:
    hooks = await HookWorld.open()
    answer = await hooks.post(body)
    assert refuses(answer)
    assert set(answer) in ({"hookSpecificOutput"}, REFUSES_EVERYTHING), "in its own form, or in one that every event takes"
    (entry,) = await hooks.entries("decision")
    assert entry["decision"] == "deny"


@pytest.mark.requirement("I3")
async def test_the_head_of_a_request_is_held_to_the_rules_of_the_other_enforcement_points() -> None:
    hooks = await HookWorld.open()
    for headers in (
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
        {"content_type": "text/plain"},
        {"content_encoding": "gzip"},
    ):
        assert refuses(await hooks.post(hooks.bash("cat a"), **headers)), headers
    assert refuses(await hooks.post(hooks.bash("cat a"), path="/hook/nobody"))
    assert [entry["decision"] for entry in await hooks.entries("decision")] == ["deny", "deny"]


async def test_a_host_that_stands_twice_is_refused() -> None:
    hooks = await HookWorld.open()
    lines = [("host", HOST), ("host", "evil.example"), ("content-type", "application/json")]
    exchange = hooks.begin(hooks.bash("cat a"))
    await exchange.done()

    twice = await start(hooks.app, "POST", "/hook", lines, b"{}").done()
    assert twice.status == 200
    assert refuses(twice.json)


@pytest.mark.requirement("I3")
async def test_an_event_that_is_too_large_is_refused_and_gives_its_room_back() -> None:
    hooks = await HookWorld.open(limits=HookLimits(body_bytes=4_000, bodies_bytes_per_run=5_000))
    for _ in range(3):
        assert set(await hooks.post(hooks.bash("cat " + "a" * 4_000))) == REFUSES_EVERYTHING
    assert (await hooks.ask("cat a"))["permissionDecision"] == "allow"


@pytest.mark.requirement("I3", "I6")
@pytest.mark.parametrize("name", ["PreToolUse", "PostToolUse", "PostToolBatch"])
def test_a_text_of_very_many_values_is_refused_without_being_parsed(name: str) -> None:
    body = f'{{"hook_event_name":"{name}","tool_response":[{"[]," * 600_000}[]]}}'
    with pytest.raises(RequestError, match="values"):
        parsed(body.encode())


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("name", ['{"\\u0000":null}', '["\\u0000"]', '"\\u0000"', "null"])
def test_an_event_without_a_name_that_can_be_read_is_none(name: str) -> None:
    with pytest.raises(RequestError, match=r"U\+0000"):
        parsed(f'{{"hook_event_name":{name},"x":"\\u0000"}}'.encode())


@pytest.mark.requirement("I3")
async def test_a_large_event_of_a_stranger_is_refused_without_being_read() -> None:
    hooks = await HookWorld.open()
    event = hooks.bash("cat " + "a" * 300_000)
    assert set(await hooks.post(event, authorization="Bearer nobody")) == REFUSES_EVERYTHING
    assert (await hooks.ask("cat " + "a" * 300_000))["permissionDecision"] == "allow"


async def test_whoever_waits_for_a_person_when_the_gateway_stops_is_denied_at_once() -> None:
    hooks = await HookWorld.open()
    held = hooks.begin(hooks.bash("rm -rf a"))
    await hooks.world.clock.until_sleeping()
    await hooks.app.close()
    assert decision_of((await held.done()).json)["permissionDecision"] == "deny"
    await hooks.world.local.close()


async def test_a_result_that_was_cut_within_a_character_is_still_looked_at() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    event = hooks.event("PostToolUse", tool_name="Bash", tool_input={"command": "cat a"}, tool_use_id="u1")
    body = json.dumps({**event, "tool_response": {"stdout": "MARK", "size": 2**63}}).replace("MARK", "\\ud83d and \\u0000")
    assert await hooks.post(body.encode()) == {}
    assert await hooks.outcomes() == ["returned"]


async def test_an_unknown_event_is_no_opinion_and_a_use_without_a_place_is_denied() -> None:
    hooks = await HookWorld.open()
    assert await hooks.post(hooks.event("SomethingNew")) == {}
    assert (await hooks.ask("cat a", cwd="project"))["permissionDecision"] == "deny"


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("client", [Client.CLAUDE_CODE, Client.CODEX])
@pytest.mark.parametrize("spoilt", [{"tool_name": 5}, {"tool_input": []}, {"tool_use_id": 5}], ids=str)
async def test_a_use_that_cannot_be_read_is_refused_in_the_form_of_its_event(client: Client, spoilt: dict[str, Any]) -> None:
    hooks = await HookWorld.open(agent=coder(client=client))
    before = await hooks.post({**hooks.bash("cat a"), **spoilt})
    assert set(before) == {"hookSpecificOutput"}
    assert decision_of(before)["permissionDecision"] == "deny"
    after = await hooks.post({**hooks.bash("cat a"), **spoilt, "hook_event_name": "PostToolUse"})
    assert after["decision"] == "block"
    assert (after.get("continue") is False) == (client is Client.CLAUDE_CODE), "that one ends its turn at it"


# --- MCP servers that the client knows


async def test_tools_of_the_gateway_go_on_uncounted_and_those_of_others_are_denied() -> None:
    hooks = await HookWorld.open()
    own = await hooks.post(hooks.before("mcp__ringfence__orders__get", {"order": "A1"}, "u1"))
    assert decision_of(own)["permissionDecision"] == "allow"
    assert await hooks.world.calls_used(hooks.run.run.id) == (0, 0)
    (seen,) = await hooks.entries("observed")
    assert seen["body"]["tool_use"] == "u1"
    other = await hooks.post(hooks.before("mcp__files__read", {"path": "/etc/passwd"}))
    assert decision_of(other)["permissionDecision"] == "deny"
    (denied,) = await hooks.entries("decision")
    assert denied["tool"] == "local.Other"
    assert denied["body"]["arguments"]["tool"] == "mcp__files__read"


async def test_a_tool_that_the_gateway_does_not_have_is_not_one_of_its_own_by_name_alone() -> None:
    hooks = await HookWorld.open()
    answer = await hooks.post(hooks.before("mcp__ringfence__evil__wipe", {}))
    assert decision_of(answer)["permissionDecision"] == "deny"


@pytest.mark.parametrize("name", ["Inner", "Other", "ConfigChange", "Patch", "bash", "BASH", "inner", "Bash.x"])
async def test_a_tool_by_a_name_of_the_gateways_own_is_one_that_nobody_has_described(name: str) -> None:
    hooks = await HookWorld.open()
    await hooks.post(hooks.before(name, {"command": "cat a"}))
    assert [tool for tool, _, _ in hooks.judges.seen] == ["Other" if name in TOOLS else name]
    (decision,) = await hooks.entries("decision")
    assert decision["tool"] == "local.Other"


@pytest.mark.parametrize("name", ["Bash ", "B\u0430sh", "Bash\u200b", "", "a" * 129])
async def test_a_name_that_no_tool_has_is_refused(name: str) -> None:
    hooks = await HookWorld.open()
    assert refuses(await hooks.post(hooks.before(name, {"command": "cat a"})))
    assert hooks.judges.seen == []


# --- another client


def codex() -> Any:
    return coder(client=Client.CODEX)


async def test_a_client_that_takes_an_allow_for_an_error_hears_nothing_where_it_may_go_on() -> None:
    hooks = await HookWorld.open(agent=codex())
    assert await hooks.post(hooks.bash("cat a", "u1")) == {}
    assert await hooks.post(hooks.bash("touch a"), path="/hook/codex") == {}
    assert [entry["decision"] for entry in await hooks.entries("decision")] == ["allow", "allow"]
    denied = await hooks.post(hooks.bash("boom"))
    assert set(denied) == {"hookSpecificOutput"}
    assert set(denied["hookSpecificOutput"]) == {"hookEventName", "permissionDecision", "permissionDecisionReason"}


async def test_its_shell_and_its_patches_are_known_by_their_own_names() -> None:
    hooks = await HookWorld.open(agent=codex())
    for name, given in (
        ("shell", {"command": "cat a"}),
        ("apply_patch", {"input": "*** Begin Patch"}),
        ("shell", {"command": ["rm", "-rf"]}),
        ("shell", {"command": "cat a", "workdir": "/srv"}),
        ("Read", {"file_path": f"{CWD}/a"}),
    ):
        await hooks.post(hooks.before(name, given))
    assert [tool for tool, _, _ in hooks.judges.seen] == ["Bash", "Patch", "shell", "shell", "Other"]
    entries = await hooks.entries("decision")
    assert [entry["body"]["arguments"].get("tool") for entry in entries] == ["shell", "apply_patch", "shell", "shell", "Read"]


async def test_its_uses_without_an_id_are_joined_by_what_they_are_in_their_order() -> None:
    hooks = await HookWorld.open(agent=codex())
    event = hooks.event("PreToolUse", tool_name="Bash", tool_input={"command": "cat a"})
    for _ in range(2):
        await hooks.post(event)
    for count in (1, 2):
        result = {**event, "hook_event_name": "PostToolUse", "tool_response": "fine"}
        assert await hooks.post(result) == {}
        assert await hooks.outcomes() == ["returned"] * count


async def test_it_refuses_what_it_cannot_read_without_a_member_that_its_client_does_not_know() -> None:
    hooks = await HookWorld.open(agent=codex())
    answer = await hooks.post(b"{")
    assert answer["hookSpecificOutput"]["permissionDecision"] == "deny"
    prompt = await hooks.post(hooks.event("UserPromptSubmit", prompt="x"), authorization=None, path="/hook/codex")
    assert set(prompt) == {"decision", "reason"}
