"""The levels of log messages, the least severe first. Source: MCP, server/utilities/logging; RFC 5424, section 6.2.1."""

from typing import Final

LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


def is_level(value: object) -> bool:
    """Whether a value names a log level."""
    return isinstance(value, str) and value in LEVELS
