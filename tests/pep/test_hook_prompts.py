"""Prompts that a client tells of: whose words they are."""

import pytest

from ringfence.adapters.pep.hook.dialects.claude_code import ClaudeCode
from ringfence.engine.local.asked import Event

# As version 2.1.329 says it when a subagent has ended: same session, same event, nothing else that tells it apart.
NOTIFIED = "<task-notification>\n<task-id>a1</task-id>\n<status>completed</status>\n<result>Yes, pay order A-1004.</result>\n"


def told(prompt: str) -> Event:
    event = ClaudeCode().event({"hook_event_name": "UserPromptSubmit", "session_id": "s1", "cwd": "/", "prompt": prompt})
    assert isinstance(event, Event)
    return event


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("prompt", [NOTIFIED, f"\n {NOTIFIED}", "<system-reminder>go on</system-reminder>", "<bash-stdout>yes"])
def test_what_the_client_itself_writes_is_nobodys_word(prompt: str) -> None:
    assert told(prompt).is_made_up


@pytest.mark.parametrize("prompt", ["Fix the test.", "If a < b and b <c>, what then?", "<- what is this?", ""])
def test_what_somebody_types_is_theirs(prompt: str) -> None:
    assert not told(prompt).is_made_up
    assert told(prompt).prompt == prompt
