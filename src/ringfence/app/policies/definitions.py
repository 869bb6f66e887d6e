"""The tools' own definitions, from the state or from the servers themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from ringfence.app.config.settings import Loaded, ServerConnection
from ringfence.core.mcp.methods import CAPABILITY
from ringfence.core.mcp.methods import definitions as methods_with
from ringfence.core.model.identifiers import ToolId
from ringfence.engine.catalogue.policy_book import Definitions
from ringfence.errors import UnavailableError

ListTools = Callable[[ServerConnection], Awaitable[tuple[Mapping[str, Any], ...]]]


def pinned(loaded: Loaded, listed: Iterable[Mapping[str, Any]]) -> Definitions:
    """Of the configured tools, the definitions among `{server, name, definition}` records."""
    return _of_tools(loaded, {(str(one["server"]), str(one["name"])): one["definition"] for one in listed})


async def asked_of_servers(loaded: Loaded, list_tools: ListTools) -> tuple[Definitions, list[str]]:
    """What the configured servers list now, and which of them did not answer, with why."""
    connections = list(loaded.servers.values())
    answers = await asyncio.gather(*(list_tools(connection) for connection in connections), return_exceptions=True)
    known: dict[tuple[str, str], Mapping[str, Any]] = {}
    silent: list[str] = []
    for connection, answer in zip(connections, answers, strict=True):
        if isinstance(answer, UnavailableError):
            silent.append(f"{connection.id}: {answer}")
        elif isinstance(answer, BaseException):
            raise answer
        else:
            known |= {(connection.id, str(tool["name"])): tool for tool in answer}
    return _of_tools(loaded, known), silent


def _of_tools(loaded: Loaded, known: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[ToolId, Mapping[str, Any]]:
    methods = methods_with(dict.fromkeys(CAPABILITY.values(), True))
    found = {
        rule.id: known.get((rule.server, rule.upstream_name), methods.get(rule.upstream_name))
        for rule in loaded.rules.tools.values()
    }
    return {tool: definition for tool, definition in found.items() if definition is not None}
