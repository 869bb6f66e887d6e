"""The paths of the data plane. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from ringfence.adapters.pep.mcp_gateway.metadata import WELL_KNOWN

_SERVER = re.compile(rf"({re.escape(WELL_KNOWN)})?/mcp/([a-z0-9-]{{1,24}})")


class Place(StrEnum):
    """What a path leads to."""

    MCP = "/mcp"
    HEALTH = "/healthz"
    METADATA = "/.well-known/oauth-protected-resource"
    OPEN_RUN = "/runs"
    RENEW_RUN = "/runs/renew"
    CLOSE_RUN = "/runs/close"

    def verbs(self, *, modern: bool) -> tuple[str, ...]:
        """The HTTP methods that a place answers."""
        if self in (Place.HEALTH, Place.METADATA):
            return ("GET",)
        if self is Place.MCP and not modern:
            return ("POST", "GET", "DELETE")
        return ("POST",)


_PLACES = {place.value: place for place in Place} | {f"{WELL_KNOWN}/mcp": Place.METADATA}


def find_place(scope: Mapping[str, Any]) -> tuple[Place | None, str | None]:
    """The place of an exact path, with the server that `/mcp/{server}` names. An escaped path leads nowhere."""
    path = str(scope["path"])
    if scope.get("raw_path", path.encode("utf-8", "replace")) != path.encode("utf-8", "replace"):
        return None, None
    if (place := _PLACES.get(path)) is not None:
        return place, None
    named = _SERVER.fullmatch(path)
    if named is None:
        return None, None
    return Place.MCP if named[1] is None else Place.METADATA, named[2]
