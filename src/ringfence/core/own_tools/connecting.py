"""`egress.connect`: how a box reaches a host.

A connection is a call like every other: framed, decided, counted and recorded by the same path. Only the egress proxy frames
one, from what a box's process asked it for; no agent is shown this tool, and none can call it over MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from ringfence.core.model.call import Call
from ringfence.core.model.egress import EgressMode, EgressRule, PathRule
from ringfence.core.model.identifiers import ServerId, ToolId
from ringfence.core.model.profile import OWN_PROFILE, Trust
from ringfence.core.rules import ServerRule, ToolRule

CONNECT: Final = ToolId("egress.connect")
EGRESS: Final = ServerId("egress")


class Act(StrEnum):
    """What a connection is used for. Requests of one class under one path rule are one act."""

    TUNNEL = "tunnel"
    OPEN = "open"
    """TLS begins that ends at the proxy; nothing is asked for yet."""
    READ = "read"
    WRITE = "write"
    WEBSOCKET = "websocket"


FOR_SERVER: Final = "server"
"""The argument that names the server whose box it is. The gateway writes it."""

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

DEFINITION: Final[Mapping[str, Any]] = {
    "name": "connect",
    "title": "Reach a host",
    "description": "Opens a way from the run's box to one host.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "host": {"type": "string", "maxLength": 253},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "act": {"type": "string", "enum": [act.value for act in Act]},
            "path": {"type": "string", "maxLength": 2000, "description": "The rule's path; empty for a tunnel."},
            "credential": {"type": "string", "maxLength": 200, "description": "Whose name the requests carry; empty: none."},
            "server": {"type": "string", "maxLength": 24, "description": "Whose box it is, where it is a server's."},
        },
        "required": ["host", "port", "act", "path", "credential"],
        "additionalProperties": False,
    },
}

RULE: Final = ToolRule(
    id=CONNECT,
    server=EGRESS,
    upstream_name="connect",
    # Hosts are the operator's: `egress` holds each against the rules, and asks for one that they do not name.
    profile=replace(
        OWN_PROFILE,
        outbound=True,
        trust=Trust.UNTRUSTED,
        objects=("/host",),
        worst="What the box holds is sent to this host.",
    ),
)
SERVER: Final = ServerRule(id=EGRESS)


def server_of(call: Call) -> ServerId | None:
    """The server whose box wants this way out; None: the box is the run's own, or the call is another."""
    server = call.value.get(FOR_SERVER) if call.tool == CONNECT else None
    return ServerId(server) if isinstance(server, str) else None


def act_of(method: str, rule: PathRule | None) -> Act:
    """The class of one request; without a path rule it is a tunnel."""
    if rule is None:
        return Act.TUNNEL
    if rule.websocket:
        return Act.WEBSOCKET
    return Act.READ if method in READING else Act.WRITE


def arguments_of(rule: EgressRule, act: Act, path: PathRule | None) -> dict[str, Any]:
    """The arguments of one connection's call: everything that its decision depends on."""
    return {
        "host": rule.host,
        "port": rule.port,
        "act": act.value,
        "path": path.path if path is not None else "",
        "credential": rule.credential if rule.mode is EgressMode.TERMINATE else "",
    }


def is_within(rule: EgressRule, arguments: Mapping[str, Any]) -> bool:
    """Whether a rule of the agent's has a connection with these arguments."""
    act, path = arguments.get("act"), arguments.get("path")
    if (arguments.get("host"), arguments.get("port")) != (rule.host, rule.port):
        return False
    if rule.mode is EgressMode.TUNNEL:
        return act == Act.TUNNEL and path == "" and arguments.get("credential") == ""
    if act == Act.OPEN:
        return path == ""
    return arguments.get("credential") == rule.credential and any(
        path == each.path and any(act == act_of(method, each) for method in each.methods) for each in rule.paths
    )
