"""What each model's answers were like so far. In memory: after a restart it is learnt anew."""

from __future__ import annotations

from typing import Final

from ringfence.core.metering.estimate import Learnt, learn
from ringfence.core.metering.request import ModelRequest
from ringfence.core.model.model_use import ModelUse

MOST_MODELS: Final = 200
"""Clients name models as they like."""


class Learning:
    """By the name that requests give a model."""

    def __init__(self) -> None:
        self._learnt: dict[str, Learnt] = {}

    def of(self, request: ModelRequest | None) -> Learnt | None:
        """What is known of the model that is asked; None: nothing."""
        return self._learnt.get(request.model) if request is not None else None

    def note(self, request: ModelRequest, used: ModelUse) -> None:
        """An answer said what it used."""
        found = learn(self._learnt.get(request.model), request, used)
        if found is not None and (request.model in self._learnt or len(self._learnt) < MOST_MODELS):
            self._learnt[request.model] = found
