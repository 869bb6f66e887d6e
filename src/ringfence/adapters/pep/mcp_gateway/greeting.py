"""What the gateway says of itself when a client connects. Pure.

`/mcp/{server}` mirrors what its server declares, less what the gateway does not forward and what this agent was not given;
`/mcp` says so of all servers together. Names are not repeated: they are the servers' to claim. Instructions are, with their
origin, at the server's own endpoint only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.adapters.pep.mcp_gateway.client_call import CLAIM
from ringfence.adapters.pep.mcp_gateway.lists import TTL_MS
from ringfence.adapters.wire.mcp import CLIENT_INFO, LEGACY_VERSION, LEGACY_VERSIONS, MODERN_VERSION
from ringfence.adapters.wire.mcp_names import SERVER_INFO_META_KEY
from ringfence.core.mcp.methods import CAPABILITY
from ringfence.core.model.identifiers import ServerId
from ringfence.core.rules import Rules
from ringfence.engine.catalogue.catalogue import AgentView
from ringfence.ports.upstream import Described

_INSTRUCTIONS: Final = (
    "Each call is decided outside the agent. A refusal says which kind of rule it met; repeating it does not help."
    " `approval pending` means that a person has to decide: go on with other work and repeat the same call later."
)
_ON_AGGREGATE: Final = f" `{CLAIM}` with the ticket does the same."
_INSTRUCTIONS_LIMIT: Final = 8000
_FLAGS: Final[Mapping[str, tuple[str, ...]]] = {
    "tools": ("listChanged",),
    "resources": ("subscribe", "listChanged"),
    "prompts": ("listChanged",),
    "completions": (),
    "logging": (),
}
"""The capabilities that the gateway forwards. Extensions, tasks and experimental ones are not among them."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What one agent hears at one endpoint."""

    capabilities: Mapping[str, Any]
    instructions: str

    def initialize_result(self, params: Mapping[str, Any]) -> dict[str, Any] | str:
        """The answer to a legacy `initialize`, or what is wrong with it."""
        version = params.get("protocolVersion")
        if not isinstance(version, str):
            return "protocolVersion must be a string"
        if not isinstance(params.get("capabilities"), dict) or not isinstance(params.get("clientInfo"), dict):
            return "capabilities and clientInfo must be objects"
        return {
            "protocolVersion": version if version in LEGACY_VERSIONS else LEGACY_VERSION,
            "capabilities": dict(self.capabilities),
            "serverInfo": dict(CLIENT_INFO),
            "instructions": self.instructions,
        }

    def discover_result(self) -> dict[str, Any]:
        """The answer to a modern `server/discover`."""
        return {
            "resultType": "complete",
            "supportedVersions": [MODERN_VERSION],
            "capabilities": dict(self.capabilities),
            "instructions": self.instructions,
            "ttlMs": TTL_MS,
            "cacheScope": "private",
            "_meta": {SERVER_INFO_META_KEY: dict(CLIENT_INFO)},
        }


def greeting(view: AgentView | None, rules: Rules, described: Mapping[ServerId, Described], server: str | None) -> Greeting:
    """What an agent hears at `/mcp/{server}`, or at `/mcp` where the server is None, of these servers."""
    each = [server_capabilities(view, rules, name, found) for name, found in described.items()] if view is not None else []
    if server is None and view is not None and view.rule.delegate is not None:
        # A run that opens a child with a schema sees one tool more.
        each.append({"tools": {"listChanged": True}})
    instructions = _INSTRUCTIONS
    if server is None:
        instructions += _ON_AGGREGATE
    elif said := "".join(_instructions(found.instructions) for found in described.values()):
        instructions += f"\n\nInstructions of the server `{server}`, in its own words:\n{said}"
    return Greeting(_union(each), instructions)


def server_capabilities(view: AgentView, rules: Rules, server: ServerId, described: Described) -> dict[str, Any]:
    """What a server declares, as far as it is forwarded and this agent was given it."""
    rule = rules.servers.get(server)
    given = {CAPABILITY[method] for method in CAPABILITY if view.method(server, method) is not None} | {"tools"}
    if rule is not None and rule.grants.logging:
        given.add("logging")
    return {
        name: {flag: True for flag in flags if _declares(described, name, flag)}
        for name, flags in _FLAGS.items()
        if name in given and isinstance(described.capabilities.get(name), Mapping)
    }


def _declares(described: Described, capability: str, flag: str) -> bool:
    return cast("Mapping[str, Any]", described.capabilities[capability]).get(flag) is True


def _union(each: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Tools are always there: what the agent was not given, or what does not answer now, may come."""
    result: dict[str, Any] = {"tools": {}}
    for capabilities in each:
        for name, flags in capabilities.items():
            result[name] = {**result.get(name, {}), **flags}
    return result


def _instructions(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text[:_INSTRUCTIONS_LIMIT]).strip()
