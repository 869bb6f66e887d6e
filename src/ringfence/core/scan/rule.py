"""What the scan looks for, as data.

A pattern is read by two engines that know neither look-around nor backtracking, so nothing that it says can cost more than
linear time. It stands for bytes of UTF-8: what is not ASCII is written out as `\\xNN`. It never matches a NUL, which is what
separates one text from the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

GAP = r"[\s*_`'\x22,>#-]+"
"""Between two words: white space, and what Markdown sets around them."""


class Kind(StrEnum):
    """What an operator decides about separately."""

    INSTRUCTIONS = "instructions"
    SECRET = "secret"
    """Of a format that its issuer publishes."""
    OWN = "own_secret"
    """Known to the gateway: always masked."""
    PERSONAL = "personal"
    """What identifies a person: looked for only where the operator wants it."""


class Reading(StrEnum):
    """How a text is read otherwise, so that what stands there then is looked for in it."""

    BASE64 = "base64"
    HEX = "hex"
    FOLDED = "folded"
    """With Latin letters in the place of those that look like them."""


Check = Callable[[bytes, int, int], int]
"""Of a text, and where a candidate begins and ends in it: where what counts ends, or -1 where it does not count."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to look for."""

    id: str
    kind: Kind
    pattern: str
    """For both engines: RE2's syntax, on bytes."""
    trigger: str = ""
    """What every match holds, where the whole pattern would be dear to look for at once; empty: the pattern itself."""
    skip: str = ""
    """What looks the same and is harmless: passed over where it begins no later."""
    check: Check | None = None
    """Decides what of the candidates that the pattern finds counts."""
    reading: Reading | None = None
    """Where it hits, the text counts if any phrase of the other rules stands there in this reading."""
    is_hidden: bool = False
    """Characters that a person does not see: no server has a reason to put them into a question to somebody."""


def words(rule: str, pattern: str, *, trigger: str = "", any_case: bool = True) -> Rule:
    """A rule for text that addresses a model. `~` stands for the gap between two words."""
    how = "(?i)" if any_case else ""
    return Rule(
        rule, Kind.INSTRUCTIONS, how + pattern.replace("~", GAP), trigger=how + trigger.replace("~", GAP) if trigger else ""
    )


def hidden(rule: str, pattern: str, skip: str = "") -> Rule:
    """A rule for text that a model reads and a person does not see."""
    return Rule(rule, Kind.INSTRUCTIONS, pattern, skip=skip, is_hidden=True)


def secret(rule: str, pattern: str, *, trigger: str = "", skip: str = "") -> Rule:
    """A rule for a credential of a known format. The first group, where there is one, is what gets masked."""
    return Rule(rule, Kind.SECRET, pattern, trigger, skip)


def personal(rule: str, pattern: str, *, trigger: str, check: Check) -> Rule:
    """A rule for what identifies a person. The first group, where there is one, is what is checked and masked."""
    return Rule(rule, Kind.PERSONAL, pattern, trigger, check=check)
