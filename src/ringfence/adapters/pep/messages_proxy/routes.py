"""What of a model's API is served below `/anthropic`. Everything else is closed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.own_tools.modelling import Act

PREFIX: Final = "/anthropic"
_MESSAGES: Final = "/v1/messages"
_BATCHES: Final = "/v1/messages/batches"
_MODELS: Final = "/v1/models"
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that may be asked for."""

    act: Act
    target: str
    """Path and query, as the upstream is asked."""

    @property
    def has_body(self) -> bool:
        return self.act in (Act.MESSAGES, Act.COUNT)


def is_below(path: str) -> bool:
    """Whether a path is the proxy's."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def route_of(method: str, path: str, query: bytes) -> Route | None:
    """What a request asks for; None: nothing that is served."""
    if not path.startswith(f"{PREFIX}/") or len(path) + len(query) > _LONGEST:
        return None
    below = path[len(PREFIX) :]
    target = below + (f"?{query.decode('latin-1')}" if query else "")
    if not target.isascii() or not target.isprintable() or " " in target:
        return None
    if method == "POST" and below == _MESSAGES:
        return Route(Act.MESSAGES, target)
    if method == "POST" and below == f"{_MESSAGES}/count_tokens":
        return Route(Act.COUNT, target)
    if below == _BATCHES or below.startswith(f"{_BATCHES}/"):
        return Route(Act.BATCHES, target)
    if method == "GET" and (below == _MODELS or _is_model(below)):
        return Route(Act.MODELS, target)
    return None


def _is_model(below: str) -> bool:
    name = below.removeprefix(f"{_MODELS}/")
    is_name = 0 < len(name) <= 200 and all(part.isalnum() or part in "-._:@[]" for part in name)
    return below != name and is_name and ".." not in name
