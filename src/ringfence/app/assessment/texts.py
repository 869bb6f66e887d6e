"""Untrusted text on a terminal or in a YAML comment: one line, nothing hidden, not too long."""

from __future__ import annotations

import re
import unicodedata

_PLAIN_KEY = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_MEANT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def plain(text: str, most: int = 80) -> str:
    """The text on one line, with every character that hides or deceives spelled out as `U+202E`, cut after `most`."""
    shown = "".join(char if not hides(char) else f"<U+{ord(char):04X}>" for char in text[: most + 1])
    return shown if len(shown) <= most else shown[: most - 3] + "..."


def hides(char: str) -> bool:
    """Whether a person does not see this character, or sees something else: control, format (bidi), odd spaces, private use."""
    if char == " ":
        return False
    return (
        unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")
        or char in "\u115f\u1160\u3164\uffa0\u2800"
    )


def yaml_text(text: str) -> str:
    """A YAML scalar that every reader takes for exactly this text."""
    if _PLAIN_KEY.fullmatch(text) and text.lower() not in _MEANT:
        return text
    escaped = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escaped.get(char) or (_escape(char) if hides(char) else char) for char in text) + '"'


def yaml_list(texts: tuple[str, ...] | list[str]) -> str:
    """A YAML list of texts on one line."""
    return "[" + ", ".join(yaml_text(text) for text in texts) + "]"


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"
