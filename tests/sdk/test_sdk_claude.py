"""What one call makes of a run: options of the vendor's SDK that let nothing pass beside the gateway."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from ringfence.errors import ConfigError
from ringfence.sdk.claude import EVENTS, claude_options
from ringfence.sdk.environment import client_environment
from ringfence.sdk.runs import Run

AWAY = Run("run_1", "rfr_credential", "http://127.0.0.1:9")


@dataclass
class Options:
    """The vendor's, as far as it is used here."""

    hooks: dict[str, list[Any]]
    env: dict[str, str]
    can_use_tool: Any
    mcp_servers: dict[str, Any]
    strict_mcp_config: bool
    setting_sources: list[str]
    cwd: str = ""


@dataclass
class HookMatcher:
    matcher: str | None = None
    hooks: list[Any] = field(default_factory=list[Any])
    timeout: float | None = None
    on_failure: str | None = None


@dataclass
class PermissionResultAllow:
    updated_input: dict[str, Any] | None = None


@dataclass
class PermissionResultDeny:
    message: str = ""
    interrupt: bool = False


@pytest.fixture(autouse=True)
def vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of the vendor's package, which is not installed beside us."""
    module = ModuleType("claude_agent_sdk")
    given = (HookMatcher, PermissionResultAllow, PermissionResultDeny)
    module.__dict__.update({kind.__name__: kind for kind in given}, ClaudeAgentOptions=Options)
    monkeypatch.setitem(sys.modules, "claude_agent_sdk", module)


def test_without_the_vendors_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "claude_agent_sdk", None)
    with pytest.raises(ConfigError) as caught:
        claude_options(AWAY)
    assert 'pip install "ringfence[claude]"' in caught.value.remedy


@pytest.mark.requirement("I4")
def test_every_event_has_a_matcher_for_every_tool_that_blocks_where_it_fails() -> None:
    hooks = claude_options(AWAY).hooks
    assert set(hooks) == set(EVENTS)
    for matchers in hooks.values():
        assert [(each.matcher, each.on_failure) for each in matchers] == [(None, "block")]


@pytest.mark.requirement("I4")
async def test_a_call_is_denied_where_the_gateway_is_away() -> None:
    options = claude_options(AWAY)
    event = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "toolu_1"}
    answer = await options.hooks["PreToolUse"][0].hooks[0](event, "toolu_1", None)
    assert answer["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert isinstance(await options.can_use_tool("Bash", {"command": "ls"}, None), PermissionResultDeny)


def test_the_only_mcp_server_is_the_gateway() -> None:
    options = claude_options(AWAY)
    headers = {"Authorization": "Bearer rfr_credential"}
    assert options.mcp_servers == {"ringfence": {"type": "http", "url": "http://127.0.0.1:9/mcp", "headers": headers}}
    assert options.strict_mcp_config


@pytest.mark.parametrize("option", ["can_use_tool", "mcp_servers", "permission_prompt_tool_name", "strict_mcp_config"])
def test_an_option_that_would_pass_beside_the_gateway_is_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=option):
        claude_options(AWAY, **dict[str, Any]({option: None}))


def test_other_options_are_the_callers_and_hooks_stand_beside_ours() -> None:
    mine = HookMatcher("Bash")
    options = claude_options(
        AWAY, cwd="/somewhere", hooks={"PreToolUse": [mine], "PreCompact": [mine]}, setting_sources=["user"]
    )
    assert (options.cwd, options.setting_sources) == ("/somewhere", ["user"])
    assert options.hooks["PreCompact"] == [mine]
    assert [each.on_failure for each in options.hooks["PreToolUse"]] == [None, "block"]


def test_the_environment_of_an_option_does_not_win_over_what_leads_to_the_gateway() -> None:
    given = {"ANTHROPIC_BASE_URL": "http://elsewhere.invalid", "HTTPS_PROXY": "http://elsewhere.invalid", "DEBUG": "1"}
    env = claude_options(AWAY, env=given).env
    assert (env["ANTHROPIC_BASE_URL"], env["HTTPS_PROXY"], env["DEBUG"]) == ("http://127.0.0.1:9/anthropic", "", "1")


def test_nothing_of_our_environment_reaches_the_client_but_what_is_plain_or_named() -> None:
    ours = {"PATH": "/bin", "LC_ALL": "C", "DATABASE_URL": "postgres://", "CI": "1", "RINGFENCE_OPERATOR_CREDENTIAL": "rfo_1"}
    laid = client_environment(ours, gateway="http://127.0.0.1:9", credential="rfr_1", models=True, keep=["CI"])
    assert {name: value for name, value in {**ours, **laid}.items() if name in ours} == {
        "PATH": "/bin", "LC_ALL": "C", "DATABASE_URL": "", "CI": "1", "RINGFENCE_OPERATOR_CREDENTIAL": "",
    }  # fmt: skip
    assert laid["ANTHROPIC_API_KEY"] == "rfr_1"


def test_without_models_the_client_keeps_its_own_way_to_one() -> None:
    ours = {"ANTHROPIC_API_KEY": "sk-ant", "AWS_PROFILE": "work", "DATABASE_URL": "postgres://"}
    laid = client_environment(ours, gateway="http://127.0.0.1:9", credential="rfr_1", models=False)
    assert laid.keys() & {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "AWS_PROFILE"} == set()
    assert laid["DATABASE_URL"] == ""
