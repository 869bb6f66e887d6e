"""Whether a client's answer has the shape of a result of what it was asked. The official SDK judges.

Its models are built when the first client is about to be asked, and not before, because that takes a fifth of the start of a
gateway that nearly always has no use for them.

Source: MCP 2025-11-25 and 2026-07-28, client features.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, Protocol, cast

from ringfence.adapters.wire.mcp import LEGACY_VERSION

_MODELS: Final = "mcp_types.methods"


class _Models(Protocol):
    def validate_client_result(self, method: str, version: str, data: Mapping[str, Any]) -> None: ...


async def have_models() -> None:
    """Before a client is asked: what `is_answer` needs is loaded in a thread, so that nobody waits for it then."""
    if _MODELS not in sys.modules:
        await asyncio.to_thread(import_module, _MODELS)


def is_answer(method: str, value: Any) -> bool:
    """Whether a value is a result of that method: the shapes are the same in both eras."""
    if not isinstance(value, dict):
        return False
    models = cast(_Models, import_module(_MODELS))
    try:
        models.validate_client_result(method, LEGACY_VERSION, cast("dict[str, Any]", value))
    except (KeyError, ValueError):  # no such method; pydantic's errors are of the second kind
        return False
    return True
