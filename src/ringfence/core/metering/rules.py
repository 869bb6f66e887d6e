"""Which upstreams serve which models, at what prices: the operator's `models:` as the decision reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.bound import DEFAULTS, Allowances
from ringfence.core.metering.local_tools import LocalTool
from ringfence.core.metering.prices import Prices
from ringfence.core.model.identifiers import AgentId


class SecretsAction(StrEnum):
    """What happens to a credential that stands in a request. The gateway's own secrets never leave, whatever is chosen."""

    MASK = "mask"
    REFUSE = "refuse"
    FLAG = "flag"
    """It leaves, and the record says so."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUpstreamRule:
    """One model API."""

    name: str
    models: tuple[str, ...] = ("*",)
    """Names of models, or patterns (`claude-*`), as clients write them."""
    environment: str = ""
    """Its label, and that of its credential; empty: none."""
    secrets: SecretsAction = SecretsAction.MASK


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRules:
    """Everything about models that is not a limit."""

    upstreams: tuple[ModelUpstreamRule, ...]
    """The first one that has a model serves it."""
    prices: Prices = PRICES
    allowances: Allowances = DEFAULTS
    allow_secrets: tuple[str, ...] = ()
    """Rules of the scan whose credentials count for nothing in requests."""
    local_tools: Mapping[AgentId | None, tuple[LocalTool, ...]] = field(
        default_factory=dict[AgentId | None, tuple[LocalTool, ...]]
    )
    """What results of tools are worth that an agent's process runs: by agent, and for all of them (None)."""

    def local_tools_of(self, agent: AgentId) -> tuple[LocalTool, ...]:
        """Those of one agent; its own count before those of all."""
        return (*self.local_tools.get(agent, ()), *self.local_tools.get(None, ()))

    def upstream_of(self, models: Iterable[str]) -> ModelUpstreamRule | None:
        """Who serves a request that names these models; None: nobody serves them all."""
        named = tuple(models)
        return next((one for one in self.upstreams if all(is_among(model, one.models) for model in named)), None)


def is_among(model: str, patterns: Iterable[str]) -> bool:
    """Whether a model is one of those."""
    return any(fnmatchcase(model, pattern) for pattern in patterns)
