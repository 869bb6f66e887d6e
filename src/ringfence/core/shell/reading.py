"""One text, read with the trees that are there so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Reading
from ringfence.core.shell.files import Files
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.syntax.functions import leftovers
from ringfence.core.shell.values import Value
from ringfence.core.shell.walk import MOST_TEXT, Trees
from ringfence.core.shell.walking import Walker
from ringfence.core.shell.written import Written

LONG: Final = 10_000
"""Characters from which on a person has to look, whatever was found in them."""
MOST_MISSING: Final = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was read, and which texts have to be parsed before it is whole."""

    reading: Reading
    missing: tuple[str, ...] = ()


def attempt(
    text: str, *, trees: Trees, cwd: str, home: str, environment: Mapping[str, str], written: Callable[[str], Written]
) -> Attempt:
    """Read `text` as far as `trees` go. Total: whatever is in a tree, what cannot be read is a doubt."""
    walker = Walker(trees=trees, home=home, files=Files(written=written, start=cwd))
    scope = Scope(
        places=(cwd,), variables={name: Value(value) for name, value in environment.items() if name not in {"PWD", "HOME"}}
    )
    scope.exported = set(environment)
    if len(text) > LONG:
        walker.doubt(Undecided.LENGTH, f"a text of {len(text)} characters")
    try:
        if len(text) <= MOST_TEXT:
            walker.walk_text(text, scope, Around())
            leftovers(walker)
    except RecursionError:
        walker.stop(Undecided.DEPTH, "nested too deep to be read")
    return Attempt(walker.reading(), tuple(walker.missing))


def unfinished(reading: Reading) -> Reading:
    """Of a text that had texts within texts to the end."""
    return replace(reading, doubts=(*reading.doubts, Doubt(Undecided.DEPTH, "texts within texts, further than they are read")))
