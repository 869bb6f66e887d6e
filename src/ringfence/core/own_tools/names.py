"""The tools that are the gateway's own: of no server, so no pattern gives them and no listing takes them away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.core.model.identifiers import ToolId
from ringfence.core.own_tools import connecting, delegation, exporting, handoff, modelling
from ringfence.core.own_tools.local_calls import LOCAL_TOOLS
from ringfence.core.rules import AgentRule, ToolRule


@dataclass(frozen=True, slots=True)
class OwnTool:
    """One of them."""

    rule: ToolRule
    definition: Mapping[str, Any]
    shown: bool
    """Whether agents see it on `/mcp`. What is not shown cannot be called there either."""
    of_run: bool = False
    """Whether it depends on the run if it exists (`core.own_tools.handoff.is_party`); otherwise on its agent alone."""


_DELEGATE: Final = OwnTool(delegation.RULE, delegation.DEFINITION, shown=True)
_CONNECT: Final = OwnTool(connecting.RULE, connecting.DEFINITION, shown=False)
_EXPORT: Final = OwnTool(exporting.RULE, exporting.DEFINITION, shown=False)
_MODEL: Final = OwnTool(modelling.RULE, modelling.DEFINITION, shown=False)
_HANDOFF: Final = OwnTool(handoff.RULE, handoff.DEFINITION, shown=True, of_run=True)
_LOCAL: Final = tuple(OwnTool(local.rule, local.definition, shown=False) for local in LOCAL_TOOLS.values())
OWN_TOOLS: Final[Mapping[ToolId, OwnTool]] = {
    own.rule.id: own for own in (_DELEGATE, _HANDOFF, _CONNECT, _EXPORT, _MODEL, *_LOCAL)
}


def own_tools_of(agent: AgentRule) -> tuple[OwnTool, ...]:
    """Those that an agent has."""
    return (
        *((_DELEGATE,) if agent.delegate is not None else ()),
        *((_HANDOFF,) if agent.server is None else ()),
        *((_CONNECT,) if agent.egress is not None or agent.box is not None else ()),
        *((_EXPORT,) if agent.box is not None else ()),
        *((_MODEL,) if agent.models else ()),
        *(_LOCAL if agent.local is not None else ()),
    )
