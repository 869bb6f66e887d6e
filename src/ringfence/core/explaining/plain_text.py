"""Untrusted text on one line of a terminal, a log or a comment: nothing hidden, not too long. Pure."""

from __future__ import annotations

import unicodedata


def plain(text: str, most: int = 80) -> str:
    """The text on one line, with every character that hides or deceives spelled out as `U+202E`, cut after `most`."""
    shown = text[: most + 1]
    if not (shown.isascii() and shown.isprintable()):  # nearly every text is, and then nothing in it hides
        shown = "".join(char if not hides(char) else f"<U+{ord(char):04X}>" for char in shown)
    return shown if len(shown) <= most else shown[: most - 3] + "..."


def hides(char: str) -> bool:
    """Whether a person does not see this character, or sees something else: control, format (bidi), odd spaces, private use."""
    if char == " ":
        return False
    return (
        unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")
        or char in "\u115f\u1160\u3164\uffa0\u2800"
    )
