"""Trusted words: what people have said to a run."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.model.identifiers import Millis


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody who may steer a run has said to it."""

    text: str
    by: str
    """`operator:NAME`, or `client:AGENT` where only the agent's client attests that a person typed it."""
    at: Millis

    @property
    def is_attested_only(self) -> bool:
        """They reached us through the agent's client: they count where the operator has said so."""
        return not self.by.startswith("operator:")
