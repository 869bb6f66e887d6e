"""What a shell knows at one point of a text: variables, functions, where it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from ringfence.core.shell.command import Word
from ringfence.core.shell.nodes import Node
from ringfence.core.shell.values import UNKNOWN, Value

T = TypeVar("T")
MOST_PLACES: Final = 4
ODD: Final = frozenset(
    {
        "_",
        "BASHPID",
        "COMP_WORDBREAKS",
        "DIRSTACK",
        "EPOCHREALTIME",
        "EPOCHSECONDS",
        "EUID",
        "FUNCNAME",
        "GROUPS",
        "HISTCMD",
        "LINENO",
        "PIPESTATUS",
        "PPID",
        "RANDOM",
        "SECONDS",
        "SHLVL",
        "SRANDOM",
        "UID",
    }
)
"""What is assigned to these is not what is read from them."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function's body, and whether it is certain that a call of its name is a call of it."""

    body: Node
    source: bytes
    is_certain: bool = True


@dataclass(slots=True)
class Scope:
    """A variable that is not in `variables` or `lists` is not known: the client's environment may have it."""

    places: tuple[str | None, ...]
    """Where the shell may be; None: nobody knows. More than one where a `cd` may have failed."""
    failed: tuple[str | None, ...] = ()
    """Where it is if the last command failed. Empty: in `places`."""
    variables: dict[str, Value] = field(default_factory=dict[str, Value])
    lists: dict[str, tuple[Value, ...] | None] = field(default_factory=dict[str, "tuple[Value, ...] | None"])
    arguments: tuple[Value, ...] | None = None
    """`$1` and on."""
    zero: Value = UNKNOWN
    exported: set[str] = field(default_factory=set[str])
    odd: set[str] = field(default_factory=lambda: set(ODD))
    """Names that do not keep what they are given: read-only, integers, references."""
    functions: dict[str, Function] = field(default_factory=dict[str, Function])
    stdin: str | None = None
    is_piped: bool = False
    fed_by: tuple[tuple[Word, ...], ...] = ()
    has_local: dict[str, Value | None] | None = None
    """Within a function: what its local names were before."""

    def copy(self) -> Scope:
        return replace(
            self,
            variables=dict(self.variables),
            lists=dict(self.lists),
            exported=set(self.exported),
            odd=set(self.odd),
            functions=dict(self.functions),
            has_local=None if self.has_local is None else dict(self.has_local),
        )

    def inherited(self, assignments: Iterable[tuple[str, Value]] = ()) -> Scope:
        """What a shell knows that is started here: what was exported, or stands before it."""
        made = self.copy()
        before = dict(assignments)
        made.variables = {**{name: value for name, value in made.variables.items() if name in made.exported}, **before}
        made.exported |= set(before)
        made.lists, made.arguments, made.has_local, made.failed = {}, (), None, ()
        return made

    def take(self, other: Scope) -> None:
        """Become what another is, except for what is read on standard input."""
        self.places, self.failed = other.places, other.failed
        self.variables, self.lists, self.arguments = other.variables, other.lists, other.arguments
        self.exported, self.odd, self.functions = other.exported, other.odd, other.functions

    def assign(self, name: str, value: Value) -> None:
        self.lists.pop(name, None)
        self.variables[name] = UNKNOWN if name in self.odd else value

    def assign_list(self, name: str, values: tuple[Value, ...] | None) -> None:
        self.variables[name] = UNKNOWN
        self.lists[name] = None if name in self.odd else values

    def forget(self, names: Iterable[str] | None) -> None:
        """What these hold is not known any more. None: nothing is."""
        if names is None:
            self.forget_all()
            return
        for name in names:
            self.assign(name, UNKNOWN)

    def forget_all(self) -> None:
        """After text that nobody knows."""
        self.variables = dict.fromkeys([*self.variables, "IFS", "HOME"], UNKNOWN)
        self.lists = {}
        self.arguments = None
        self.places, self.failed = (None,), ()
        self.doubt_functions()

    def doubt_functions(self) -> None:
        """Any of them may have been defined anew."""
        self.functions = {name: replace(one, is_certain=False) for name, one in self.functions.items()}

    @property
    def place(self) -> str | None:
        return self.places[0] if len(self.places) == 1 else None

    def settle(self) -> None:
        """Whether the last command failed does not matter to what comes next."""
        if self.failed:
            self.places, self.failed = joined(self.places, self.failed), ()

    @property
    def after_failure(self) -> tuple[str | None, ...]:
        return self.failed or self.places


def joined(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> tuple[str | None, ...]:
    every = tuple(dict.fromkeys([*one, *other]))
    return every if len(every) <= MOST_PLACES else (None,)


def merged(branches: list[Scope]) -> Scope:
    """What is known after one of several branches was taken, and nobody knows which."""
    first = branches[0]
    for other in branches[1:]:
        first.places = joined(first.places, other.places)
        first.failed = joined(first.failed, other.failed)
        first.variables = _agreed(first.variables, other.variables, UNKNOWN)
        first.lists = _agreed(first.lists, other.lists, None)
        first.exported &= other.exported
        first.odd |= other.odd
        first.arguments = first.arguments if first.arguments == other.arguments else None
        every = {**other.functions, **first.functions}
        first.functions = {
            name: one if other.functions.get(name) is first.functions.get(name) else replace(one, is_certain=False)
            for name, one in every.items()
        }
    return first


def _agreed(one: Mapping[str, T], other: Mapping[str, T], unsure: T) -> dict[str, T]:
    if one == other:
        return dict(one)
    return {
        name: one[name] if name in one and name in other and one[name] == other[name] else unsure for name in {**one, **other}
    }
