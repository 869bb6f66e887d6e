"""What a client says it can do. Pure.

Capabilities that the gateway does not forward (extensions, tasks, experimental ones) are left out before anybody reads them.

Source: MCP 2025-11-25 and 2026-07-28, client features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from ringfence.ports.upstream import ServerRequest

_FORWARDED: Final = ("sampling", "elicitation", "roots")


def known_capabilities(declared: Any) -> dict[str, Any]:
    """The declared capabilities that mean something here."""
    if not declared or not isinstance(declared, dict):
        return {}
    found = cast("dict[str, Any]", declared)
    return {name: found[name] for name in _FORWARDED if isinstance(found.get(name), dict)}


def can_answer(capabilities: Mapping[str, Any], request: ServerRequest) -> bool:
    """Whether a client with these capabilities may be asked this."""
    match request.method:
        case "sampling/createMessage":
            return "sampling" in capabilities
        case "roots/list":
            return "roots" in capabilities
        case "elicitation/create":
            modes = capabilities.get("elicitation")
            if modes is None:
                return False
            # An empty object means form only (MCP 2025-11-25, client/elicitation).
            return "url" in modes if request.params.get("mode") == "url" else "form" in modes or not modes
        case _:
            return False
