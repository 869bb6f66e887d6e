"""What an operator deploys for one case, and the configuration of many of them behind one gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Json = Mapping[str, Any]

KNOWN_VARIABLE: Final = "RINGFENCE_DRILL_SECRET"
"""The gateway's environment has a credential there that drills try to get at."""
HOLD: Final = "1s"
"""The shortest that a call is held for a person. Nobody is asked in a drill but where its approver says yes at once."""
MOST_WAITING: Final = 100
SERVER_MOST: Final = 24
"""Signs of a server's id."""


@dataclass(frozen=True, slots=True)
class DeployedTool:
    """One tool: what its server lists, and what the operator says of it."""

    id: str
    """`server.tool`, before the case's own prefix."""
    description: str
    schema: Json
    """Empty for what is no tool, such as `server.resources/read`."""
    profile: Json
    exposed: bool = True
    output: Json | None = None
    """The schema of its results, where its server declares one."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One agent with servers of its own."""

    name: str
    """Of the agent, and what its servers' ids begin with: few signs of a-z 0-9."""
    task: str
    tools: tuple[DeployedTool, ...]
    agent: Json = field(default_factory=dict[str, Any])
    """More keys of the agent."""
    knows_secret: bool = False
    """Whether its servers are reached with the credential of `KNOWN_VARIABLE`."""
    asks_models: bool = False
    own_names: bool = False
    """Whether the ids of its servers are already those behind the gateway."""

    def server_id(self, server: str) -> str:
        """The id of one of its servers behind the gateway."""
        if self.own_names:
            return server
        plain = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in server.lower())
        return f"{self.name}-{plain}"[:SERVER_MOST].rstrip("-")

    def tool_id(self, tool: str) -> str:
        """`server.tool` behind the gateway."""
        server, _, name = tool.partition(".")
        return f"{self.server_id(server)}.{name}"

    @property
    def servers(self) -> tuple[str, ...]:
        """Ids behind the gateway, each once."""
        return tuple(dict.fromkeys(self.tool_id(tool.id).partition(".")[0] for tool in self.tools))


def configuration(deployments: Iterable[Deployment], player: str, hook: str) -> dict[str, Any]:
    """One ringfence.yaml for all of them.

    Args:
        player: Where the servers are played, `http://HOST:PORT`.
        hook: Where alerts are posted.
    """
    document: dict[str, Any] = {
        "version": 1,
        "servers": {},
        "tools": {},
        "agents": {},
        "approvals": {"hold": HOLD, "legs": 0},
        "alerts": {"webhooks": [{"url": hook}]},
    }
    for deployment in deployments:
        for server in deployment.servers:
            document["servers"][server] = {"url": f"{player}/mcp/{server}"}
            if deployment.knows_secret:
                document["servers"][server]["headers"] = {"X-Database": {"from": f"env:{KNOWN_VARIABLE}"}}
        for tool in deployment.tools:
            document["tools"][deployment.tool_id(tool.id)] = _profile(tool.profile, deployment)
        document["agents"][deployment.name] = _agent(deployment)
        if deployment.asks_models:
            document["models"] = {"upstreams": {"played": {"url": f"{player}/models"}}}
    return document


def _profile(profile: Json, deployment: Deployment) -> dict[str, Any]:
    found = dict(profile)
    if "inverse" in found:
        found["inverse"] = deployment.tool_id(found["inverse"])
    return found


def _agent(deployment: Deployment) -> dict[str, Any]:
    more = dict(deployment.agent)
    tighten = {deployment.tool_id(tool): schema for tool, schema in more.pop("tighten", {}).items()}
    limits = {"pending_approvals": MOST_WAITING, **more.pop("limits", {})}
    return {
        "purpose": "Takes part in a drill.",
        "tools": [deployment.tool_id(tool.id) for tool in deployment.tools if tool.exposed],
        "only_mcp": True,
        "limits": limits,
        **({"tighten": tighten} if tighten else {}),
        **more,
    }
