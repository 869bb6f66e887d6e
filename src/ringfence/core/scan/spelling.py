"""How rules for German, French and Spanish are written.

A letter with an accent stands for itself, for the letter without, and for how it is written without.
"""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.rule import Rule, words

_WITHOUT: Final = {
    "ä": "ae|a", "ö": "oe|o", "ü": "ue|u", "ß": "ss", "é": "e", "è": "e", "ê": "e", "ë": "e", "ç": "c", "à": "a", "â": "a",
    "î": "i", "ï": "i", "ô": "o", "û": "u", "ù": "u", "ñ": "n", "á": "a", "í": "i", "ó": "o", "ú": "u", "'": " |\u2019|",
}  # fmt: skip
_SPELLED: Final = str.maketrans(
    {letter: f"(?:{letter}|{letter.upper()}|{plain})" if letter != "ß" else "(?:ß|ss)" for letter, plain in _WITHOUT.items()}
)
END: Final = r"[\])*_ ]{0,3}[:,.!]"
"""Behind whoever is addressed."""
WORD: Final = r"[^\s\x00]{1,24}~"
"""Any one."""
TOOL: Final = r"[`'\x22]?[a-z0-9]{1,40}[_./][a-z0-9_./-]+"
"""The name of a tool or a path, as no sentence has it."""


def abroad(rule: str, pattern: str, trigger: str = "") -> Rule:
    """A rule for text that addresses a model. `~` stands for the gap between two words."""
    return words(rule, pattern.translate(_SPELLED), trigger=trigger.translate(_SPELLED))
