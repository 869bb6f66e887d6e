"""Whatever a client sends, its dialect reads it or says why not, and whatever is decided can be said in it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.adapters.pep.hook.app import DIALECTS
from ringfence.adapters.pep.hook.dialects.dialect import Malformed
from ringfence.adapters.pep.hook.parse import parsed
from ringfence.core.model.local_rules import Client
from ringfence.engine.local.asked import Answer, Event, Happening, Say
from ringfence.errors import RequestError

NAMES = [
    "PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch", "PermissionRequest", "UserPromptSubmit", "ConfigChange",
    "SessionStart", "SessionEnd", "Stop", "SubagentStart", "SubagentStop", "Notification", "",
]  # fmt: skip
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8)
values = st.recursive(scalars, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=4), some, max_size=3))
tools = st.sampled_from(["Bash", "Read", "mcp__ringfence__a__b", "mcp__x", "mcp____", "Ba sh", "", "TodoWrite"]) | values
events = st.fixed_dictionaries(
    {"hook_event_name": st.sampled_from(NAMES) | values},
    optional={
        "tool_name": tools,
        "tool_input": st.dictionaries(st.text(max_size=4), values, max_size=3) | values,
        "tool_use_id": st.sampled_from(["toolu_1", "", "a b"]) | values,
        "tool_response": values,
        "tool_calls": st.lists(st.fixed_dictionaries({"tool_name": tools, "tool_input": values}) | values, max_size=3) | values,
        "mcp_server": st.fixed_dictionaries({"name": values}) | values,
        "prompt": values,
        "error": values,
        "cwd": values,
        "session_id": values,
        "source": values,
        "file_path": values,
    },
)
answers = st.builds(
    Answer,
    say=st.sampled_from(Say),
    why=st.text(max_size=8),
    input=st.none() | st.dictionaries(st.text(max_size=4), values, max_size=2),
    is_replaced=st.booleans(),
    result=values,
    is_withheld=st.booleans(),
)
REFUSED = {Say.REFUSE, Say.HALT}


@pytest.mark.requirement("I3")
@given(events, answers, st.sampled_from(Client))
def test_every_event_is_read_or_refused_and_every_answer_can_be_said(
    event: dict[str, Any], answer: Answer, client: Client
) -> None:
    dialect = DIALECTS[client]
    found = dialect.event(event)
    read = None if isinstance(found, Malformed) else found
    said = json.loads(json.dumps(dialect.answer(read, answer)))
    assert isinstance(said, dict)
    if read is not None and read.happening is Happening.BEFORE:
        specific = said.get("hookSpecificOutput", {})
        assert (specific.get("permissionDecision") == "deny") is (answer.say in REFUSED)
        assert (said.get("continue") is False) is (answer.say is Say.HALT and client is Client.CLAUDE_CODE)
    if read is None and answer.say in REFUSED:
        assert said.get("decision") == "block" or said["hookSpecificOutput"]["permissionDecision"] == "deny"


@pytest.mark.requirement("I3")
@given(events, values)
def test_a_withheld_result_holds_none_of_its_texts(event: dict[str, Any], result: Any) -> None:
    mark = "what must not be seen"
    whole = {**event, "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {}, "tool_use_id": "u"}
    dialect = DIALECTS[Client.CLAUDE_CODE]
    for response in (mark, {"stdout": mark, "more": [mark, {"x": mark}], "rest": result}, [mark, result]):
        read = dialect.event({**whole, "tool_response": response})
        assert isinstance(read, Event)
        for say in Say:
            said = dialect.answer(read, Answer(say=say, why="no", is_withheld=True))
            assert mark not in json.dumps(said)


@given(st.binary(max_size=200) | events.map(lambda event: json.dumps(event).encode()))
def test_bytes_are_an_object_or_no_event(body: bytes) -> None:
    with contextlib.suppress(RequestError):
        assert isinstance(parsed(body), dict)
