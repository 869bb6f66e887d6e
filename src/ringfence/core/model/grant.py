"""What one run was given of what its agent may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringfence.core.model.condition import Condition
from ringfence.core.model.identifiers import Millis, ToolId


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One grant row. Every default is the widest, so that a root run without a grant has what its agent has."""

    tools: frozenset[ToolId] | None = None
    """None: every tool of the agent."""
    bounds: Mapping[ToolId, tuple[Condition, ...]] = field(default_factory=dict[ToolId, tuple[Condition, ...]])
    """Conditions on the arguments of a tool; every one must hold."""
    calls: int | None = None
    """The most calls of the run with its subtree; None: as its agent's limits say."""
    depth: int | None = None
    """How many generations may follow; None: as its agent's limits say."""
    until: Millis | None = None
    """When it ends, however often the run is renewed; None: with the run."""


EVERYTHING = Grant()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnCaps:
    """How far one tree of runs may grow. Runs that are closed do not count."""

    depth: int
    """Generations below the root."""
    children: int
    """Open children of one run."""
    tree: int
    """Open runs of one tree, the root among them."""


WIDEST_TREE = SpawnCaps(depth=8, children=1_000, tree=10_000)
"""Whatever is configured, and for the children that operators open of agents that may not delegate."""
