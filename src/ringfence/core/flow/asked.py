"""One value of a call that has to come from somewhere. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ringfence.core.definitions.wording import words
from ringfence.core.model.profile import Role

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A value, what it decides, and what it is called."""

    value: Scalar
    role: Role
    name: tuple[str, ...]
    """The words of the argument's name and of what it is inside of."""
    nouns: frozenset[str]
    """These and the words of the tool's name, singular and plural."""

    @property
    def text(self) -> str:
        """The value as it is written."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return str(int(self.value)) if isinstance(self.value, float) and self.value.is_integer() else str(self.value)


@lru_cache(maxsize=2048)
def nouns_of(name: tuple[str, ...], tool: str) -> frozenset[str]:
    """The words of an argument and of its tool, each also without and with an `s`."""
    found = {*name, *words(tool)}
    return frozenset(
        {*found, *(f"{word}s" for word in found), *(word[:-1] for word in found if len(word) > 3 and word.endswith("s"))}
    )
