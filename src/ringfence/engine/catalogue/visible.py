"""What one agent may see of a server's resources, templates and prompts.

A listing shows what the agent could ask for: the method's tool was given to it, and that tool's tightened schema accepts the
item.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.core.mcp.methods import GET_PROMPT, READ_RESOURCE
from ringfence.core.model.identifiers import ServerId
from ringfence.engine.catalogue.catalogue import AgentView
from ringfence.ports.upstream import Described

Item = Mapping[str, Any]


def may_use(view: AgentView, server: str, method: str, params: Mapping[str, Any]) -> bool:
    """Whether the agent was given a method of a server with these parameters. The decision itself comes at the call."""
    tool = view.method(server, method)
    return tool is not None and tool.validator is not None and bool(tool.validator.is_valid(dict(params)))


def visible_resources(view: AgentView, server: ServerId, described: Described) -> list[Item]:
    """The resources that the agent may read."""
    return [item for item in described.resources if _named(item, "uri") and may_read(view, server, item["uri"])]


def visible_templates(view: AgentView, server: ServerId, described: Described) -> list[Item]:
    """The resource templates whose text the agent's schema accepts as it stands."""
    return [item for item in described.templates if _named(item, "uriTemplate") and may_read(view, server, item["uriTemplate"])]


def visible_prompts(view: AgentView, server: ServerId, described: Described) -> list[Item]:
    """The prompts that the agent may get."""
    return [
        item for item in described.prompts if _named(item, "name") and may_use(view, server, GET_PROMPT, {"name": item["name"]})
    ]


def may_read(view: AgentView, server: str, uri: str) -> bool:
    """Whether the agent may read a resource of that URI, should there be one."""
    return may_use(view, server, READ_RESOURCE, {"uri": uri})


def _named(item: Item, key: str) -> bool:
    return isinstance(item.get(key), str)
