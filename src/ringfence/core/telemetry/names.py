"""Names that may leave as labels: those of the configuration, and one word for all others. Pure.

An agent can ask for any tool and any model. What it makes up is its own text: told on, it would make a new series with each
call, and carry out whatever somebody wrote into it.
"""

from __future__ import annotations

from typing import Final

from ringfence.core.metering.prices import plain_name
from ringfence.core.own_tools.names import OWN_TOOLS
from ringfence.core.rules import Rules

UNKNOWN: Final = "(unknown)"
NONE: Final = "(none)"


def agent_name(rules: Rules, agent: str | None) -> str:
    """An agent, or a server in a box that is asked about in an agent's place."""
    return agent if agent is not None and agent in rules.agents else UNKNOWN


def tool_name(rules: Rules, tool: str | None) -> str:
    """A tool that the configuration has a rule for, or one of the gateway's own."""
    return tool if tool is not None and (tool in rules.tools or tool in OWN_TOOLS) else UNKNOWN


def model_name(rules: Rules, model: str) -> str:
    """The plain name of a model that has a price of its own: snapshots and spellings of one model are one."""
    if not model:
        return NONE
    prices = rules.models.prices if rules.models is not None else None
    return plain_name(model) if prices is not None and prices.knows(model) else UNKNOWN


def upstream_name(rules: Rules, upstream: str) -> str:
    """One of the operator's upstreams of models."""
    if not upstream:
        return NONE
    known = rules.models.upstreams if rules.models is not None else ()
    return upstream if any(one.name == upstream for one in known) else UNKNOWN
