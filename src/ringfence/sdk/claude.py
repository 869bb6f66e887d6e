"""The options with which the Claude Agent SDK asks the gateway about everything that its agent does.

    async with open_run("coder", "Fix the failing test.") as run:
        async for message in query(prompt="...", options=claude_options(run)):
            ...

This is the agent's own process: whoever can change its code can leave the options out. Where the agent is not trusted to
start itself, install managed settings as well (`ringfence claude-code install`): those hold for sessions of the SDK too.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from ringfence.errors import ConfigError
from ringfence.sdk.environment import client_environment
from ringfence.sdk.gate import Gate
from ringfence.sdk.runs import Run

HOOK_S: Final = 900.0
"""How long the client waits for an answer. A call that a person decides is held for less."""
SERVER: Final = "ringfence"
"""The gateway, among the client's MCP servers: its tools are `mcp__ringfence__...`."""
EVENTS: Final = (
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "UserPromptSubmit",
    "ConfigChange",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "SessionEnd",
)
_OURS: Final = frozenset({"can_use_tool", "mcp_servers", "permission_prompt_tool_name", "strict_mcp_config"})
"""Options that would let something pass beside the gateway."""

Callback = Callable[[Any, str | None, Any], Coroutine[Any, Any, dict[str, Any]]]


def claude_options(run: Run, *, models: bool = True, keep_environment: Iterable[str] = (), **more: Any) -> Any:
    """A `ClaudeAgentOptions` for one run: hooks, permission callback, MCP server and environment.

    `more` are further options of the vendor's (`cwd`, `system_prompt`, ...); its `hooks` stand beside ours, and
    of its `env` ours win. Settings files of the user and the project are not read unless `setting_sources` names them. Without
    `models` the client keeps its own way to a model. Raises: ConfigError where the vendor's SDK is missing, or for an option
    that would let calls pass beside the gateway.
    """
    if beside := sorted(_OURS & more.keys()):
        raise ConfigError(f"{', '.join(beside)} is what the gateway decides", remedy="leave it out of claude_options()")
    sdk = _vendor()
    gate = Gate(run.gateway, run.credential)
    environment = client_environment(
        os.environ, gateway=run.gateway, credential=run.credential, models=models, keep=keep_environment
    )
    hooks = {event: [*_given(more, event), *matchers] for event, matchers in claude_hooks(gate).items()}
    server = {"type": "http", "url": f"{run.gateway.rstrip('/')}/mcp", "headers": {"Authorization": f"Bearer {run.credential}"}}
    return sdk.ClaudeAgentOptions(
        **{
            "setting_sources": [],
            **more,
            "hooks": {**more.get("hooks", {}), **hooks},
            "env": {**more.get("env", {}), **environment},
            "can_use_tool": permission_callback(gate),
            "mcp_servers": {SERVER: server},
            "strict_mcp_config": True,
        }
    )


def claude_hooks(gate: Gate) -> dict[str, list[Any]]:
    """Hook matchers for every event that the gateway wants to hear of. What fails in them blocks. Raises: ConfigError."""
    matcher = _vendor().HookMatcher

    async def ask(event: Any, tool_use_id: str | None, context: Any) -> dict[str, Any]:
        return await gate.ask(event)

    return {event: [matcher(matcher=None, hooks=[ask], timeout=HOOK_S, on_failure="block")] for event in EVENTS}


def permission_callback(gate: Gate) -> Callable[[str, dict[str, Any], Any], Coroutine[Any, Any, Any]]:
    """A `can_use_tool`: what the client would ask a person at its own terminal, the gateway is asked. Raises: ConfigError."""
    sdk = _vendor()

    async def can_use_tool(tool: str, given: dict[str, Any], context: Any) -> Any:
        event = {"hook_event_name": "PermissionRequest", "tool_name": tool, "tool_input": given, **_labels(context)}
        answer = await gate.ask(event)
        decision: Mapping[str, Any] = answer["hookSpecificOutput"].get("decision") or {}
        if decision.get("behavior") == "allow":
            return sdk.PermissionResultAllow(updated_input=decision.get("updatedInput"))
        said = str(decision.get("message") or "refused")
        return sdk.PermissionResultDeny(message=said, interrupt=decision.get("interrupt") is True)

    return can_use_tool


def _labels(context: Any) -> dict[str, str]:
    """What the client says about itself: labels, nothing that anybody is known by."""
    said = {"tool_use_id": getattr(context, "tool_use_id", None), "agent_id": getattr(context, "agent_id", None)}
    return {name: value for name, value in said.items() if isinstance(value, str)}


def _given(more: Mapping[str, Any], event: str) -> list[Any]:
    return list((more.get("hooks") or {}).get(event, ()))


def _vendor() -> Any:
    """The vendor's package. It brings a whole client, so nobody has it who did not ask for it. Raises: ConfigError."""
    try:
        return importlib.import_module("claude_agent_sdk")
    except ImportError as error:
        remedy = 'install it with the extra: pip install "ringfence[claude]"'
        raise ConfigError("ringfence.sdk.claude needs the package claude-agent-sdk", remedy=remedy) from error
