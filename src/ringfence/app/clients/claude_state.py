"""What can be read of an installation without starting anything: is it whole, whose is it, does a later file undo it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from ringfence.app.clients import files
from ringfence.app.clients.claude_files import drop_ins, read_object, undone_by
from ringfence.app.clients.claude_settings import (
    DIRECT,
    DROP_INS,
    MCP_FILE,
    SERVER,
    SETTINGS_FILE,
    SETTLED,
    VERSION,
    mcp_servers,
    settings,
)
from ringfence.app.clients.findings import Finding, Standing
from ringfence.app.clients.hook_file import hook_file
from ringfence.app.clients.merging import merge, version_of
from ringfence.app.clients.plan import HOOK_FILE, Plan
from ringfence.errors import ConfigError, Error

_AGAIN: Final = "ringfence claude-code install"


def installed(folder: Path) -> Iterator[Finding]:
    """What stands in the folder of managed settings."""
    try:
        there = read_object(files.read(folder / SETTINGS_FILE), folder / SETTINGS_FILE)
        servers = read_object(files.read(folder / MCP_FILE), folder / MCP_FILE)
        later = drop_ins(folder)
        hook = files.read(folder / HOOK_FILE)
    except Error as error:
        yield Finding("installed", Standing.BROKEN, f"the files in {folder}", str(error), error.remedy or _AGAIN)
        return
    plan = plan_of(there, folder)
    if plan is None:
        yield Finding("installed", Standing.BROKEN, f"the files in {folder}", "no hook of Ringfence is there", _AGAIN)
        return
    yield _whole(there, servers, hook, plan, folder)
    yield _versions(there)
    yield from (_undone(path, value, plan) for path, value in later)
    yield _owners(folder, plan)
    yield _readers(folder)
    yield from _search_path(plan)
    others = [name for name, groups in there["hooks"].items() if len(cast(list[Any], groups)) > 1]
    if others:
        yield Finding(
            "other-hooks",
            Standing.OPEN,
            "managed hooks beside the gateway's",
            f"on {', '.join(sorted(others))}: a hook that rewrites a call may do so after the gateway has decided",
            "see that none of them answers with `updatedInput`",
        )


def plan_of(there: Mapping[str, Any], folder: Path) -> Plan | None:
    """What the installation was made with; None: it is none."""
    try:
        group = next(each for each in there["hooks"]["PreToolUse"] if each["hooks"][0].get("url", "").endswith("/hook"))
        url = str(group["hooks"][0]["url"]).removesuffix("/hook")
        direct = there["env"]["ANTHROPIC_BASE_URL"] == DIRECT
        path = str(there["env"]["PATH"])
        if not url.startswith("http:"):
            return Plan(url=url, hook_file=str(folder / HOOK_FILE), path=path, direct_models=direct)
        start = there["hooks"]["SessionStart"][-1]["hooks"][0]
        hook = str(start["args"][2])
        return Plan(url=url, interpreter=str(start["command"]), hook_file=hook, path=path, direct_models=direct)
    except (StopIteration, KeyError, IndexError, TypeError, AttributeError):
        return None


def _whole(there: dict[str, Any], servers: dict[str, Any], hook: bytes | None, plan: Plan, folder: Path) -> Finding:
    merged, listed = merge(there, settings(plan), settled=SETTLED), merge(servers, mcp_servers(plan))
    missing = sorted(name for name in merged.value if merged.value[name] != there.get(name))
    missing += [each.key for each in merged.conflicts]
    if listed.value != servers or [*servers.get("mcpServers", {})] != [SERVER]:
        missing.append(MCP_FILE)
    # The values above are made from what stands there: that it leads to the file that this version brings is asked by itself.
    if hook != hook_file() or plan.hook_file != str(folder / HOOK_FILE):
        missing.append(HOOK_FILE)
    tried = f"every key of {folder / SETTINGS_FILE} and {MCP_FILE} against what this version installs"
    if missing:
        return Finding("installed", Standing.BROKEN, tried, "missing or different: " + ", ".join(missing), _AGAIN)
    return Finding("installed", Standing.HOLDS, tried, f"hooks, locks, pinned variables and MCP lead to {plan.url} alone")


def _versions(there: Mapping[str, Any]) -> Finding:
    wanted, known = version_of(there.get("requiredMinimumVersion")), version_of(VERSION)
    tried = "`requiredMinimumVersion`: clients that know no `onFailure` must not start"
    if wanted is None or known is None or wanted < known:
        return Finding("minimum-version", Standing.BROKEN, tried, f"it is {there.get('requiredMinimumVersion')}", _AGAIN)
    return Finding("minimum-version", Standing.HOLDS, tried, f"it is {there['requiredMinimumVersion']}")


def _undone(path: Path, value: Mapping[str, Any], plan: Plan) -> Finding:
    keys = [each.key for each in undone_by(value, plan)]
    tried = f"{path}, which the client reads after ours"
    if keys:
        return Finding(
            f"later-file {path.name}", Standing.BROKEN, tried, "it says otherwise: " + ", ".join(keys), "take them out"
        )
    return Finding(f"later-file {path.name}", Standing.HOLDS, tried, "it undoes nothing")


def _owners(folder: Path, plan: Plan) -> Finding:
    tried = "who besides root can put something else in their place, or in that of the Python that starts the hook"
    started = Path(plan.interpreter)
    further = [folder / DROP_INS, *(path for path, _ in drop_ins(folder))]
    places = (*(folder / name for name in (SETTINGS_FILE, MCP_FILE, HOOK_FILE)), *further, started, started.resolve())
    found = next((others for place in places if (others := files.writable_by_others(place, frozenset({0})))), "")
    if found:
        return Finding("owned-by-root", Standing.BROKEN, tried, found, f"chown -R root:root {folder}; chmod -R go-w {folder}")
    return Finding("owned-by-root", Standing.HOLDS, tried, "nobody")


def _readers(folder: Path) -> Finding:
    """For a user who cannot read them, the client has no managed settings, and says nothing of it."""
    tried = "whether every user of this machine can read them: a client that cannot goes on without"
    asked = ((folder, 0o005), *((folder / name, 0o004) for name in (SETTINGS_FILE, MCP_FILE, HOOK_FILE)))
    # One that is not there is missing to everybody, and said by itself.
    closed = [str(place) for place, needed in asked if place.exists() and (place.stat().st_mode & needed) != needed]
    if closed:
        remedy = f"chmod go+rX {folder} {folder}/*"
        return Finding("readable-by-all", Standing.BROKEN, tried, "not everybody can read " + ", ".join(closed), remedy)
    return Finding("readable-by-all", Standing.HOLDS, tried, "they can")


def _search_path(plan: Plan) -> Iterator[Finding]:
    """Programs that others can exchange, or folders that others can make. Some systems ship such as a group can write."""
    places = [Path(each) for each in plan.path.split(":")]
    found = [others for place in places if (others := files.writable_by_others(place, frozenset({0})))]
    if found:
        yield Finding(
            "search-path",
            Standing.OPEN,
            "who besides root can put a program where the client's commands look for theirs",
            "; ".join(dict.fromkeys(found)),
            "leave those folders out with --path, or see that the agent's user cannot write there",
        )


def plan_in(folder: Path) -> Plan:
    """The plan of an installation.

    Raises:
        ConfigError: There is none.
    """
    there = read_object(files.read(folder / SETTINGS_FILE), folder / SETTINGS_FILE)
    plan = plan_of(there, folder)
    if plan is None:
        raise ConfigError(f"nothing is installed in {folder}", remedy=_AGAIN)
    return plan
