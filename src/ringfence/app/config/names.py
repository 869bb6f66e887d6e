"""References between the parts of a file, and names that two readers could take for one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from ringfence.app.config.layout import RESERVED_SERVER_IDS, WIRE_NAME_MOST
from ringfence.app.config.problems import Path, nearest, shown
from ringfence.core.strict_json.confusable import folded

Report = Callable[[Path, str], None]
"""Adds a fault at the value of a path."""


def wire_name(tool: str) -> str:
    """The name on `/mcp`: `server__tool`."""
    return tool.replace(".", "__", 1)


def check_names(values: Mapping[str, Any], report: Report) -> None:
    """Server and tool names: reserved, too long for the wire, or alike."""
    for server in values.get("servers", {}):
        if server in RESERVED_SERVER_IDS:
            report(("servers", server), f"`{server}` is reserved for the gateway's own tools")
    seen: dict[str, str] = {}
    for section in ("tools", "derived"):
        for tool in values.get(section, {}):
            path: Path = (section, tool)
            if "/" not in tool and len(wire_name(tool)) > WIRE_NAME_MOST:
                report(path, f"its wire name `{shown(wire_name(tool), 200)}` is longer than {WIRE_NAME_MOST} characters")
            if tool.partition(".")[0] in RESERVED_SERVER_IDS:
                report(path, f"`{tool.partition('.')[0]}` is reserved for the gateway's own tools")
            other = seen.setdefault(folded(tool), tool)
            if other == tool and section == "derived" and tool in values.get("tools", {}):
                report(path, f"`{tool}` is also under `tools`: a derived tool needs its own name")
            elif other != tool:
                report(path, f"`{tool}` and `{other}` differ only in letter case: a reader would take one for the other")


def check_references(values: Mapping[str, Any], names: Mapping[str, list[str]], report: Report, warn: Report) -> None:
    """Every name that one part uses has to exist in another.

    `names` has the keys of each section as written, so that an entry with a fault of its own is not also reported as missing.
    """
    servers = names.get("servers", [])
    tools = [*names.get("tools", []), *names.get("derived", [])]
    for tool in values.get("tools", {}):
        server = tool.partition(".")[0]
        if server not in servers:
            report(("tools", tool), f"no server `{shown(server)}`{nearest(server, servers, 'server')}")
    for section in ("tools", "derived"):
        for tool, fields in values.get(section, {}).items():
            _check_inverses((section, tool), fields, tools, report)
    for tool, fields in values.get("derived", {}).items():
        if "from" in fields:
            _check_source(("derived", tool, "from"), fields["from"], names, report, warn)
    for agent, fields in values.get("agents", {}).items():
        _check_agent(("agents", agent), fields, tools, report)
    anonymous = [agent for agent, fields in values.get("agents", {}).items() if fields.get("unsafe_anonymous")]
    for agent in anonymous[1:]:
        path: Path = ("agents", agent, "unsafe_anonymous")
        report(path, f"`{shown(anonymous[0])}` is anonymous already: nobody could tell them apart")


def _check_inverses(path: Path, fields: Mapping[str, Any], tools: Iterable[str], report: Report) -> None:
    parts = [(path, fields), *(((*path, "when", index), part) for index, part in enumerate(fields.get("when", [])) if part)]
    for where, part in parts:
        if "inverse" not in part:
            continue
        if part["inverse"] not in tools:
            report((*where, "inverse"), f"no tool `{part['inverse']}`{nearest(part['inverse'], tools, 'tool')}")
        elif part["inverse"] == path[1]:
            report((*where, "inverse"), "a tool cannot be its own inverse")
        if part.get("reversible") is False:
            report((*where, "reversible"), "`reversible: false` contradicts `inverse`")


def _check_source(path: Path, source: str, names: Mapping[str, list[str]], report: Report, warn: Report) -> None:
    server = source.partition(".")[0]
    servers, tools = names.get("servers", []), names.get("tools", [])
    if source in names.get("derived", []):
        report(path, f"`{source}` is itself derived: name the upstream tool")
    elif server not in servers:
        report(path, f"no server `{shown(server)}`{nearest(server, servers, 'server')}")
    elif source not in tools:
        alike = get_close_matches(source, [tool for tool in tools if tool.startswith(f"{server}.")], n=1, cutoff=0.8)
        if alike:
            warn(path, f"`{source}` is not under `tools`, but `{alike[0]}` is: is the name right?")


def _check_agent(path: Path, fields: Mapping[str, Any], tools: list[str], report: Report) -> None:
    granted: set[str] = set()
    for index, pattern in enumerate(fields.get("tools", [])):
        if pattern is None:
            continue
        matched = {tool for tool in tools if tool == pattern or fnmatchcase(tool, pattern)}
        granted |= matched
        if matched:
            continue
        if any(mark in pattern for mark in "*?"):
            prefixes = {f"{tool.partition('.')[0]}.*" for tool in tools}
            report((*path, "tools", index), f"`{pattern}` matches no configured tool{nearest(pattern, prefixes, 'pattern')}")
        else:
            report((*path, "tools", index), f"no tool `{shown(pattern)}`{nearest(pattern, tools, 'tool')}")
    for tool in fields.get("tighten", {}):
        if tool not in tools:
            report((*path, "tighten", tool), f"no tool `{shown(tool)}`{nearest(tool, granted or tools, 'tool')}")
        elif tool not in granted and None not in fields.get("tools", [None]):
            report((*path, "tighten", tool), f"the agent is not given `{tool}`, so there is nothing to tighten")
