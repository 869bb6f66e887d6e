"""The hooks as a plugin of Claude Code: for trying, and for handing round. It enforces nothing.

A plugin dies with one flag of the client, and whoever uses it can take it out. Its manifest says so where people read it.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ringfence.app.clients.claude_settings import SERVER, hooks, mcp_server
from ringfence.app.clients.hook_file import hook_file
from ringfence.app.clients.plan import HOOK_FILE

_ROOT: Final = "${CLAUDE_PLUGIN_ROOT}"
_LABEL: Final = (
    "Asks a Ringfence gateway about every use of a tool. A convenience, not enforcement: the user and one flag can switch it "
    "off. `ringfence claude-code install` is what holds."
)


def plugin_files(url: str) -> dict[str, bytes]:
    """Its files, by their paths in its folder."""
    manifest = {
        "name": "ringfence",
        "description": _LABEL,
        "version": "0.1.0",
        "license": "Apache-2.0",
        "keywords": ["permissions", "approvals", "audit"],
    }
    command = ["python3", "-I", "-S", f"{_ROOT}/hooks/{HOOK_FILE}"]
    return {
        ".claude-plugin/plugin.json": _text(manifest),
        "hooks/hooks.json": _text({"description": _LABEL, "hooks": hooks(url, command)}),
        f"hooks/{HOOK_FILE}": hook_file(),
        ".mcp.json": _text({"mcpServers": {SERVER: mcp_server(url)}}),
        "README.md": f"# Ringfence for Claude Code\n\n{_LABEL}\n\nStart the client with a run's credential in `RINGFENCE_RUN`: "
        "`ringfence claude-code run --agent AGENT --task TASK -- claude`.\n".encode(),
    }


def _text(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
