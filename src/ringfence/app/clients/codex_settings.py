"""What is written for Codex: requirements that its administrator decides, from its documentation.

Sources: its pages on managed configuration and hooks (developers.openai.com/codex). Nothing here was run with the client,
and the client lets a call run where a hook crashes, runs out of time or answers with a member that it does not know.
"""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ringfence.app.clients import files
from ringfence.app.clients.findings import Finding, Standing
from ringfence.app.clients.hook_file import hook_file
from ringfence.app.clients.installing import Installation
from ringfence.app.clients.merging import merge
from ringfence.app.clients.plan import HOOK_FILE
from ringfence.errors import ConfigError

FOLDER: Final = "/etc/codex"
FILE: Final = "requirements.toml"
PATH: Final = "/hook/codex"
TIMES_S: Final = {
    "PreToolUse": 900,
    "PermissionRequest": 900,
    "PostToolUse": 60,
    "UserPromptSubmit": 30,
    "SessionStart": 10,
    "Stop": 10,
}
_BEFORE_S: Final = 5
_ONLY_MANAGED: Final = "allow_managed_hooks_only"


def requirements(url: str, interpreter: str, folder: Path) -> dict[str, Any]:
    """The requirements, as a value."""
    # A shell reads it: where it goes wrong, the client lets the call run.
    command = shlex.join([interpreter, "-I", "-S", str(folder / HOOK_FILE), "--url", url, "--path", PATH, "--timeout"])
    return {
        _ONLY_MANAGED: True,
        "features": {"hooks": True},
        "mcp_servers": {"ringfence": {"identity": {"url": f"{url}/mcp"}}},
        "hooks": {
            "managed_dir": str(folder),
            # It refuses by itself before the client gives it up, and lets the call run.
            **{
                name: [{"hooks": [{"type": "command", "command": f"{command} {most - _BEFORE_S}", "timeout": most}]}]
                for name, most in TIMES_S.items()
            },
        },
    }


def wanted(installation: Installation, url: str, interpreter: str, hook: bytes) -> dict[str, bytes]:
    """Every file's new content.

    Raises:
        ConfigError: There are requirements that ours cannot stand beside.
        UnavailableError: A file cannot be read.
    """
    path = installation.folder / FILE
    data = installation.originals([FILE, HOOK_FILE])[FILE] or b""
    theirs = read_toml(data, path)
    ours = requirements(url, interpreter, installation.folder)
    text = _beside(data.decode(), theirs, ours)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        found = {}
    # Text is added to text, so that comments stay. Whether it says what it should is read back.
    merged = merge(theirs, ours)
    if merged.conflicts or found != merged.value:
        keys = ", ".join(each.key for each in merged.conflicts) or ", ".join(sorted(theirs.keys() & ours.keys()))
        raise ConfigError(
            f"{path} speaks of {keys} already",
            remedy="add by hand what `ringfence codex install --dry-run --codex-dir EMPTY-FOLDER` shows",
        )
    return {HOOK_FILE: hook, FILE: text.encode()}


def read_toml(data: bytes, path: Path) -> dict[str, Any]:
    """Read requirements. Raises: ConfigError."""
    try:
        return tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error


def findings(folder: Path, url: str) -> list[Finding]:
    """How an installation stands, as far as files tell. Raises: ConfigError, UnavailableError."""
    path = folder / FILE
    data = files.read(path)
    there = read_toml(data or b"", path)
    found: list[Finding] = []
    tried = f"{path}: hooks, only managed ones, MCP through the gateway alone"
    interpreter = _interpreter(there)
    missing = [
        name for name, value in requirements(url, interpreter, folder).items() if merge(there, {name: value}).value != there
    ]
    if files.read(folder / HOOK_FILE) != hook_file():
        missing.append(HOOK_FILE)
    if missing:
        happened = "missing or different: " + ", ".join(missing)
        found.append(Finding("installed", Standing.BROKEN, tried, happened, "ringfence codex install"))
    else:
        found.append(Finding("installed", Standing.HOLDS, tried, "they are there"))
    started = Path(interpreter or "/")
    places = (folder / FILE, folder / HOOK_FILE, started, started.resolve())
    others = next((each for place in places if (each := files.writable_by_others(place, frozenset({0})))), "")
    whose = "who besides root can put something else in their place, or in that of the Python that starts the hook"
    remedy = f"chown -R root:root {folder}; chmod -R go-w {folder}"
    standing = Standing.BROKEN if others else Standing.HOLDS
    found.append(Finding("owned-by-root", standing, whose, others or "nobody", remedy if others else ""))
    found.append(
        Finding(
            "fails-open",
            Standing.OPEN,
            "what this client does where its hook fails, from its documentation and issues",
            "it lets the call run: where the hook crashes, is killed, runs out of time, or answers with a member that it does "
            "not know. It has no switch against that",
            "have it work in a box, so that a call that nobody decided reaches nothing: ringfence run --agent AGENT -- codex",
        )
    )
    found.append(
        Finding(
            "not-run",
            Standing.UNPROVEN,
            "the client itself",
            "its formats are taken from its documentation; no version of it was run with these files",
            "try on your version that a refused command does not run, before you rely on it",
        )
    )
    return found


def _interpreter(there: Mapping[str, Any]) -> str:
    """What starts the hook; empty: nothing does."""
    try:
        return shlex.split(str(there["hooks"]["PreToolUse"][0]["hooks"][0]["command"]))[0]
    except (KeyError, IndexError, TypeError, ValueError):
        return ""


def _beside(text: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """Theirs with ours: single keys before, tables after, as TOML wants it."""
    first = "" if _ONLY_MANAGED in theirs else f"{_ONLY_MANAGED} = true\n"
    lines: list[str] = []
    if theirs.get("features", {}) != ours["features"]:
        lines += ["", "[features]", "hooks = true"]
    for name, server in ours["mcp_servers"].items():
        if name not in theirs.get("mcp_servers", {}):
            lines += ["", f"[mcp_servers.{name}.identity]", f"url = {json.dumps(server['identity']['url'])}"]
    hooks: dict[str, Any] = dict(ours["hooks"])
    if "hooks" not in theirs:
        lines += ["", "[hooks]", f"managed_dir = {json.dumps(hooks.pop('managed_dir'))}"]
    for name in TIMES_S:
        for handler in hooks[name][0]["hooks"]:
            lines += ["", f"[[hooks.{name}]]", "", f"[[hooks.{name}.hooks]]"]
            lines += [f"{key} = {json.dumps(value)}" for key, value in handler.items()]
    end = "" if not text or text.endswith("\n") else "\n"
    return first + text + end + "\n".join(lines).removeprefix("" if text else "\n") + "\n"
