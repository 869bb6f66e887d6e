"""Which personal data is looked for in one value, and which of it is nobody's. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Personal:
    """What to look for."""

    rules: frozenset[str]
    """Ids of `personal_rules`."""
    allowed: frozenset[str] = frozenset()
    """What counts for nothing: numbers and addresses as `plain` writes them, or `@domain` for all addresses of a domain."""

    def counts(self, found: str) -> bool:
        """Whether it is anybody's."""
        if not self.allowed:
            return True
        name = plain(found)
        return name not in self.allowed and f"@{name.rpartition('@')[2]}" not in self.allowed


def plain(found: str) -> str:
    """A number without what only groups its digits, an address in lower case."""
    return found.lower() if "@" in found else "".join(sign for sign in found.lower() if sign.isalnum())
