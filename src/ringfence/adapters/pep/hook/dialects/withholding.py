"""Nothing of what a tool brought, in the tool's own shape: a client passes on the original where the shape is another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

_KEPT: Final = frozenset(
    {"type", "status", "mode", "agentId", "agentType", "filePath", "file_path", "notebook_path", "isImage"}
)
"""Members whose text says of what kind a result is, and where it is from."""
SHELLS: Final = frozenset({"Bash", "Monitor"})
_SHELL: Final = {"stdout": "", "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}


def shaped(tool: str, result: Any) -> Any:
    """A result that takes the place of another.

    A command that failed is told of as a text, but replaced in the shape of one that did not: in any other the client shows an
    error of its own.
    """
    return {**_SHELL, "stdout": result} if tool in SHELLS and isinstance(result, str) else result


def withheld(tool: str, result: Any, notice: str) -> Any:
    """`result` with every text of it replaced. Of a shell whose result is of no known shape: one that is."""
    if tool in SHELLS:
        known = cast("Mapping[str, Any]", result) if isinstance(result, dict) else {}
        return {**_SHELL, **_without(known, ""), "stdout": notice, "stderr": ""}
    if isinstance(result, dict | list):
        return _without(cast("Any", result), notice)
    return notice


def _without(value: Any, notice: str) -> Any:
    if isinstance(value, str):
        return notice
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return {key: each if key in _KEPT and isinstance(each, str) else _without(each, notice) for key, each in members}
    if isinstance(value, list):
        return [_without(each, notice) for each in cast("list[Any]", value)]
    return value
