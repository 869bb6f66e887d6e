"""The paths of the data plane. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from ringfence.adapters.pep.mcp_gateway.metadata import WELL_KNOWN

_TAKEN = re.compile(r"/runs/handoff/(r_[a-z0-9_-]{1,60})")
_SERVER = re.compile(rf"({re.escape(WELL_KNOWN)})?/mcp/([a-z0-9-]{{1,24}})")


class Place(StrEnum):
    """What a path leads to."""

    MCP = "/mcp"
    HEALTH = "/healthz"
    METADATA = "/.well-known/oauth-protected-resource"
    OPEN_RUN = "/runs"
    RENEW_RUN = "/runs/renew"
    CLOSE_RUN = "/runs/close"
    HAND_OVER = "/runs/handoff"
    TAKE = "/runs/handoff/"

    def verbs(self, *, modern: bool) -> tuple[str, ...]:
        """The HTTP methods that a place answers."""
        if self in (Place.HEALTH, Place.METADATA, Place.TAKE):
            return ("GET",)
        if self is Place.MCP and not modern:
            return ("POST", "GET", "DELETE")
        return ("POST",)


_PLACES = {place.value: place for place in Place if place is not Place.TAKE} | {f"{WELL_KNOWN}/mcp": Place.METADATA}


def find_place(scope: Mapping[str, Any]) -> tuple[Place | None, str | None]:
    """The place of an exact path, with the server or run that it names. An escaped path leads nowhere."""
    path = str(scope["path"])
    if scope.get("raw_path", path.encode("utf-8", "replace")) != path.encode("utf-8", "replace"):
        return None, None
    if (place := _PLACES.get(path)) is not None:
        return place, None
    if (taken := _TAKEN.fullmatch(path)) is not None:
        return Place.TAKE, taken[1]
    named = _SERVER.fullmatch(path)
    if named is None:
        return None, None
    return Place.MCP if named[1] is None else Place.METADATA, named[2]
