"""Labels of environments: what a shape alone cannot say about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.app.config.names import Report
from ringfence.core.model.environment import ANY, is_within

Fields = Mapping[str, Any]


def check_environments(values: Fields, report: Report, warn: Report) -> None:
    """No agent is bound to every environment; and one that is bound is told what of its own it cannot reach."""
    for agent, fields in values.get("agents", {}).items():
        bound = fields.get("environment", "")
        place = ("agents", agent)
        if bound == ANY:
            report(
                (*place, "environment"),
                f"`{ANY}` is for what belongs to every environment: an agent is bound to one, or to none",
            )
        elif bound:
            for index, tool in enumerate(fields.get("tools", [])):
                if tool and not is_within(bound, (label := _label_of(tool, values),)) and _is_known(tool, values):
                    warn((*place, "tools", index), f"`{tool}` does not exist for it: its server has {_words(label)}")
            for index, host in enumerate(fields.get("egress", {}).get("hosts", [])):
                if host and not is_within(bound, (label := host.get("environment", ""),)):
                    warn((*place, "egress", "hosts", index), f"is refused to it: the host has {_words(label)}")


def _is_known(tool: str, values: Fields) -> bool:
    return tool in values.get("tools", {}) or tool in values.get("derived", {})


def _label_of(tool: str, values: Fields) -> str:
    source = str(values.get("derived", {}).get(tool, {}).get("from", tool))
    return str(values.get("servers", {}).get(source.partition(".")[0], {}).get("environment", ""))


def _words(label: str) -> str:
    return f"the environment `{label}`" if label else "no environment"
