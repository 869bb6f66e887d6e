"""Untrusted text as a YAML scalar that every reader takes for exactly this text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ringfence.core.explaining.plain_text import hides

_PLAIN_KEY = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_MEANT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def yaml_text(text: str) -> str:
    """A YAML scalar that every reader takes for exactly this text."""
    if _PLAIN_KEY.fullmatch(text) and text.lower() not in _MEANT:
        return text
    escaped = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escaped.get(char) or (_escape(char) if hides(char) else char) for char in text) + '"'


def yaml_list(texts: tuple[str, ...] | list[str]) -> str:
    """A YAML list of texts on one line."""
    return "[" + ", ".join(yaml_text(text) for text in texts) + "]"


def yaml_map(texts: Mapping[str, str]) -> str:
    """A YAML mapping of texts on one line."""
    return "{" + ", ".join(f"{yaml_text(key)}: {yaml_text(text)}" for key, text in texts.items()) + "}"


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"
