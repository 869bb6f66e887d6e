"""The files of an installation in Claude Code: ours, merged with what was there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from ringfence.app.clients import files
from ringfence.app.clients.claude_settings import (
    DROP_INS,
    MCP_FILE,
    SERVER,
    SETTINGS_FILE,
    SETTLED,
    mcp_servers,
    settings,
)
from ringfence.app.clients.hook_file import hook_file
from ringfence.app.clients.installing import Installation
from ringfence.app.clients.merging import Conflict, merge
from ringfence.app.clients.plan import HOOK_FILE, Plan
from ringfence.errors import ConfigError

OTHER_SERVERS: Final = "mcpServers"
"""The key that `--replace` takes for MCP servers beside the gateway."""


def wanted(installation: Installation, plan: Plan, replaced: frozenset[str]) -> dict[str, bytes]:
    """Every file's new content.

    Raises:
        ConfigError: A file is none, or somebody else set what Ringfence would have to change.
        UnavailableError: A file cannot be read.
    """
    originals = installation.originals([SETTINGS_FILE, MCP_FILE, HOOK_FILE])
    theirs = {name: read_object(originals[name], installation.folder / name) for name in (SETTINGS_FILE, MCP_FILE)}
    merged = merge(theirs[SETTINGS_FILE], settings(plan), replaced=replaced, settled=SETTLED)
    servers = merge(theirs[MCP_FILE], mcp_servers(plan), replaced=replaced)
    conflicts = [*merged.conflicts, *servers.conflicts]
    others = [name for name in servers.value[OTHER_SERVERS] if name != SERVER]
    if OTHER_SERVERS in replaced:
        servers.value[OTHER_SERVERS] = mcp_servers(plan)[OTHER_SERVERS]
    elif others:
        conflicts.append(Conflict(OTHER_SERVERS, others, [SERVER]))
    _refuse(conflicts, str(installation.folder / SETTINGS_FILE))
    for path, drop_in in drop_ins(installation.folder):
        _refuse([each for each in undone_by(drop_in, plan) if each.key not in replaced], str(path))
    return {
        HOOK_FILE: hook_file(),
        MCP_FILE: _text(servers.value),
        SETTINGS_FILE: _text(merged.value),
    }


def drop_ins(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Managed settings in files of their own, in the order in which the client reads them.

    Raises:
        ConfigError: One of them is none.
        UnavailableError: One of them cannot be read.
    """
    paths = sorted((folder / DROP_INS).glob("*.json"))
    return [(path, read_object(files.read(path), path)) for path in paths]


def undone_by(drop_in: Mapping[str, Any], plan: Plan) -> list[Conflict]:
    """What a later file says otherwise than ours: it stands above the first."""
    merged = merge(drop_in, settings(plan), settled=SETTLED)
    loosened = [
        Conflict(key, value, merged.value[key])
        for key, value in drop_in.items()
        if isinstance(value, bool | str) and key != "disableAllHooks" and merged.value[key] != value
    ]
    return [*merged.conflicts, *loosened]


def read_object(data: bytes | None, path: Path) -> dict[str, Any]:
    """A JSON object; of no file, an empty one. Raises: ConfigError."""
    if data is None:
        return {}
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON: {error}", remedy="the client refuses to start with it: mend it first") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path} is no JSON object")
    return cast(dict[str, Any], value)


def _text(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def _refuse(conflicts: list[Conflict], where: str) -> None:
    if not conflicts:
        return
    lines = [
        f"{each.key} is {json.dumps(each.theirs, ensure_ascii=False)}, and would have to be "
        f"{'absent' if each.ours is None else json.dumps(each.ours, ensure_ascii=False)}"
        for each in conflicts
    ]
    keys = " ".join(f"--replace {each.key}" for each in conflicts)
    raise ConfigError(
        f"somebody else decided otherwise in {where}:\n  " + "\n  ".join(lines),
        remedy=f"take it out there, or have it replaced (uninstalling puts it back): {keys}",
    )
