"""How far data can be trusted, and how far it may go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from ringfence.core.model.profile import Sensitivity, Trust

if TYPE_CHECKING:
    from collections.abc import Iterable

_AGENT, _MEMORY = "agent:", "memory:"
_RISING = {level: place for place, level in enumerate(Sensitivity)}


@dataclass(frozen=True, slots=True)
class Label:
    """Of one value, or of everything that a run has been given. A join never falls: less trusted, more confidential wins."""

    integrity: Trust = Trust.TRUSTED
    confidentiality: Sensitivity = Sensitivity.PUBLIC

    @property
    def is_untrusted(self) -> bool:
        """Whether somebody whom nobody trusts may have written some of it."""
        return self.integrity is Trust.UNTRUSTED

    def joined(self, other: Label) -> Label:
        """The label of both together; `self` where the other adds nothing."""
        untrusted = self.is_untrusted or other.is_untrusted
        higher = at_least(self.confidentiality, other.confidentiality)
        if higher and untrusted == self.is_untrusted:
            return self
        integrity = Trust.UNTRUSTED if untrusted else Trust.TRUSTED
        return Label(integrity, self.confidentiality if higher else other.confidentiality)

    def covers(self, other: Label) -> bool:
        """Whether a join with the other changes nothing."""
        return self.joined(other) is self

    @property
    def in_words(self) -> str:
        """For people: `untrusted, confidential`."""
        return f"{self.integrity.value}, {self.confidentiality.value}"

    def view(self) -> dict[str, str]:
        """As entries and answers have it."""
        return {"integrity": self.integrity.value, "confidentiality": self.confidentiality.value}


CLEAN = Label()
"""Of what nothing was given to yet but trusted words."""


def at_least(one: Sensitivity, other: Sensitivity) -> bool:
    """Whether the first is as confidential as the second, or more."""
    return _RISING[one] >= _RISING[other]


def join_all(labels: Iterable[Label]) -> Label:
    """The label of all of them together; `CLEAN` of none."""
    return reduce(Label.joined, labels, CLEAN)


def agent_place(agent: str) -> str:
    """Where the label of all is kept that runs of an agent were given.

    A run that no operator opens begins with it: whoever opens it may bring along what others have read.
    """
    return f"{_AGENT}{agent}"


def memory_place(server: str) -> str:
    """Where the label of what is kept with a server is kept."""
    return f"{_MEMORY}{server}"


def is_memory(place: str) -> bool:
    """Whether a place is what is kept with a server."""
    return place.startswith(_MEMORY)


def server_of_memory(place: str) -> str:
    """The server that a memory's place is of."""
    return place.removeprefix(_MEMORY)
