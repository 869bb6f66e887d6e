"""Sentences of servers and rules, before they are passed on to a client."""

from __future__ import annotations

_TEXT_LIMIT = 1000


def plain(text: str) -> str:
    """A foreign sentence without control characters, of bearable length."""
    return "".join(character if character.isprintable() else " " for character in text[:_TEXT_LIMIT]).strip()
