"""What is written for Claude Code: managed settings and managed MCP servers, as pure values.

Formats and what each key does: the client's documentation of settings and hooks, and version 2.1.329 itself, which
`ringfence claude-code verify` asks again.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from ringfence.app.clients.plan import RUN_VARIABLE, Plan

VERSION: Final = "2.1.329"
"""The first version that was seen to honour `onFailure` and everything else here."""
SERVER: Final = "ringfence"
"""The name of the gateway's MCP server in the client."""
FOLDER: Final = "/etc/claude-code"
SETTINGS_FILE: Final = "managed-settings.json"
MCP_FILE: Final = "managed-mcp.json"
DROP_INS: Final = "managed-settings.d"

GATING_S: Final = {
    "PreToolUse": 900,
    "PermissionRequest": 900,
    "PostToolBatch": 120,
    "UserPromptSubmit": 30,
    "ConfigChange": 10,
}
"""Events that may stop something, with the seconds after which their failing blocks. A person decides within the first two."""
TELLING_S: Final = {
    "PostToolUse": 60,
    "PostToolUseFailure": 60,
    "SubagentStart": 10,
    "SubagentStop": 10,
    "Stop": 10,
    "SessionEnd": 10,
}
"""Events that tell something. The client takes no `onFailure` from them, or to no effect."""
START_S: Final = 10

_REROUTING: Final = (
    "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy",
    "CLAUDE_CODE_HTTP_PROXY", "CLAUDE_CODE_HTTPS_PROXY",
    "NODE_EXTRA_CA_CERTS", "ANTHROPIC_UNIX_SOCKET",
)  # fmt: skip
"""Variables by which a file of a repository would put somebody between the client and the gateway."""
_LOADING: Final = (
    "BASH_ENV", "ENV", "PROMPT_COMMAND", "CLAUDE_CODE_SHELL", "CLAUDE_CODE_SHELL_PREFIX", "CLAUDE_ENV_FILE",
    "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH",
    "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "NODE_OPTIONS", "PERL5OPT", "PERL5LIB", "RUBYOPT", "RUBYLIB",
    "GIT_EXEC_PATH", "GIT_CONFIG_COUNT",
)  # fmt: skip
"""Variables by which a file of a repository would have another program run than the one that was decided on."""
_SHELL: Final = "/bin/bash"
SETTLED: Final = frozenset(f"env.{name}" for name in (*_REROUTING, *_LOADING, "PATH", "SHELL"))
"""Keys that no repository can set once managed settings have any value for them: a proxy that an organisation needs is kept."""
_OTHER_MODELS: Final = (
    "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY", "CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS", "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD", "CLAUDE_CODE_USE_GATEWAY",
)  # fmt: skip
"""Variables that send the client's requests to a model elsewhere, past the base URL."""
_KEYS: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS")
OWN_KEY: Final = "ANTHROPIC_API_KEY"
"""Carries the key of a client that speaks to its model itself."""
DIRECT: Final = "https://api.anthropic.com"


def settings(plan: Plan) -> dict[str, Any]:
    """The managed settings."""
    return {
        "requiredMinimumVersion": VERSION,
        "allowManagedHooksOnly": True,
        "allowManagedPermissionRulesOnly": True,
        "allowManagedMcpServersOnly": True,
        "allowedMcpServers": [{"serverUrl": f"{plan.url}/mcp*"}],
        "disableSideloadFlags": True,
        "strictPluginOnlyCustomization": ["agents", "hooks"],
        "allowedHttpHookUrls": [f"{plan.url}/hook"],
        "permissions": {
            "disableBypassPermissionsMode": "disable",
            "disableAutoMode": "disable",
            "deny": [f"Read({pattern})" for pattern in plan.read_denies],
        },
        "env": _environment(plan),
        # A repository may name a helper too, and the client runs it: this one stands above.
        "apiKeyHelper": f"printenv {OWN_KEY if plan.direct_models else RUN_VARIABLE}",
        "hooks": hooks(plan.url, [plan.interpreter, "-I", "-S", plan.hook_file]),
    }


def mcp_servers(plan: Plan) -> dict[str, Any]:
    """The managed MCP servers: the gateway, and no other."""
    return {"mcpServers": {SERVER: mcp_server(plan.url)}}


def mcp_server(url: str) -> dict[str, Any]:
    """The gateway, as a server of the client."""
    return {"type": "http", "url": f"{url}/mcp", "headers": {"Authorization": f"Bearer ${{{RUN_VARIABLE}}}"}}


def hooks(url: str, command: list[str]) -> dict[str, Any]:
    """The hooks of all events. `command` starts the command form, for the one event that takes no other."""
    handler = {
        "type": "http",
        "url": f"{url}/hook",
        "headers": {"Authorization": f"Bearer ${RUN_VARIABLE}"},
        "allowedEnvVars": [RUN_VARIABLE],
    }
    start = {"type": "command", "command": command[0], "args": [*command[1:], "--url", url], "timeout": START_S}
    # The command form speaks to this machine alone. Elsewhere nobody is told that a session began; its first use says so.
    began = {"SessionStart": _every(start)} if url.startswith("http:") else {}
    gating = {name: _every({**handler, "timeout": most, "onFailure": "block"}) for name, most in GATING_S.items()}
    telling = {name: _every({**handler, "timeout": most}) for name, most in TELLING_S.items()}
    return {**gating, **telling, **began}


def _every(handler: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"matcher": "*", "hooks": [handler]}]


def _environment(plan: Plan) -> dict[str, str]:
    pinned: dict[str, str] = dict.fromkeys((*_REROUTING, *_LOADING, *_OTHER_MODELS), "")
    pinned |= {"PATH": plan.path, "SHELL": _SHELL}
    # A client that speaks to its model itself keeps its own key.
    if not plan.direct_models:
        pinned |= dict.fromkeys(_KEYS, "")
    pinned["ANTHROPIC_BASE_URL"] = DIRECT if plan.direct_models else f"{plan.url}/anthropic"
    near = ",".join(dict.fromkeys(("127.0.0.1", "localhost", urlsplit(plan.url).hostname or "")))
    pinned |= {"NO_PROXY": near, "no_proxy": near, "NODE_TLS_REJECT_UNAUTHORIZED": "1"}
    if plan.scrub:
        pinned["CLAUDE_CODE_SUBPROCESS_ENV_SCRUB"] = "1"
    return pinned
