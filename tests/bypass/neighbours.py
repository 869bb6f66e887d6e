"""Neighbours of the shapes: every form of the fuzz test's grammar around each kind of harm, and every simple harm by itself.

Which of them do harm is not said here: a real bash in a box says it.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.shell.atoms import HARM, Atom
from tests.fuzz.shell.forms import NESTINGS, OPERANDS, PLACES, WRAPPERS
from tests.fuzz.shell.grammar import simple

KINDS: tuple[Atom, ...] = (
    ("rm", "-rf", "keep"),
    ("cat", ".env"),
    ("echo", "HACK", ">protected/f"),
    ("curl", "-s", "http://127.0.0.1:9/x"),
)
"""One of each kind of harm."""
SPELLINGS = 6
"""Of each simple harm."""


def neighbours() -> Iterator[tuple[str, str]]:
    """Class and text of each; always the same ones."""
    rng = Random("neighbours")
    for atom in HARM:
        yield "a harm by itself", " ".join(word.removeprefix("@") for word in atom)
        for _ in range(SPELLINGS):
            yield "a harm in another spelling", simple(atom, rng)
    for kind in KINDS:
        text = " ".join(kind)
        for wrapper in WRAPPERS:
            yield "behind a wrapper", f"{wrapper} {text}"
        for group, forms in (("in a text", NESTINGS), ("in an operand", OPERANDS), ("in a place", PLACES)):
            for form in forms:
                yield group, form(text, rng)
