"""A command's words cut into options, their values and the rest, as getopt does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ringfence.core.commands.profile import Role
from ringfence.core.shell.command import Word

FLAG_ONLY: Final = frozenset({Role.OPTIONAL})


@dataclass(frozen=True, slots=True)
class Given:
    """One option, as it was given."""

    name: str
    value: Word | None = None
    role: Role | None = None


@dataclass(slots=True)
class Cut:
    """All words after the command's name."""

    given: list[Given] = field(default_factory=list[Given])
    words: list[Word] = field(default_factory=list[Word])
    unclear: list[Word] = field(default_factory=list[Word])
    """Words that may be options, by what they turn out to be."""
    after: list[Word] = field(default_factory=list[Word])
    """What follows `--`; these are in `words` as well."""
    behind: list[Word] = field(default_factory=list[Word])
    """Words that follow a long option which no table names: they may be its value. They are in `words` as well."""

    def has(self, *names: str) -> bool:
        """Whether one of these options was given, or a long one shortened."""
        return any(given.name in names or _is_short_for(given.name, names) for given in self.given)

    def values(self, *names: str) -> list[Word]:
        """The values of these options."""
        return [given.value for given in self.given if given.name in names and given.value is not None]


def _is_short_for(name: str, names: Sequence[str]) -> bool:
    return name.startswith("--") and len(name) > 3 and any(full.startswith(name) for full in names)


def cut(
    words: Sequence[Word], options: Mapping[str, Role], takes: str = "options", *, until_word: bool = False
) -> tuple[Cut, Sequence[Word]]:
    """What the words are, and those that were not reached: with `until_word` reading ends before the first that is
    no option."""
    made = Cut()
    rest = list(words)
    is_unlisted = False
    while rest:
        word = rest.pop(0)
        text = word.text
        if text == "--" and word.is_known and takes != "none":
            if until_word:
                return made, rest
            made.after.extend(rest)
            made.words.extend(rest)
            return made, ()
        if not word.is_known and text.startswith("?"):
            made.unclear.append(word)
            if takes == "leading":
                made.words.extend([word, *rest])
                return made, ()
        if takes == "none" or len(text) < 2 or not text.startswith("-"):
            if until_word:
                return made, [word, *rest]
            made.words.append(word)
            if is_unlisted:
                made.behind.append(word)
            if takes == "leading":
                made.words.extend(rest)
                return made, ()
            is_unlisted = False
        elif text.startswith("--") or takes == "single":
            _long(word, rest, options, made)
            is_unlisted = made.given[-1].role is None and made.given[-1].value is None
        else:
            _short(word, rest, options, made)
    return made, ()


def _long(word: Word, rest: list[Word], options: Mapping[str, Role], made: Cut) -> None:
    name, is_attached, value = word.text.partition("=")
    if name.startswith("--") and name not in options and name[1:] in options:
        name = name[1:]  # where long options have one dash, two will do
    roles = {name: options[name]} if name in options else _meant(name, options)
    if not roles:
        made.given.append(Given(name, _part(word, value) if is_attached else None))
    taken: Word | None = _part(word, value) if is_attached else None
    for full, role in roles.items():
        if taken is None and role is not Role.OPTIONAL and rest:
            taken = rest.pop(0)
        made.given.append(Given(full, taken, role))


def _meant(name: str, options: Mapping[str, Role]) -> dict[str, Role]:
    """Long options may be shortened (`--outp`): every one that it may be short for."""
    if not name.startswith("--") or len(name) < 4:
        return {}
    return {full: role for full, role in options.items() if full.startswith(name)}


def _short(word: Word, rest: list[Word], options: Mapping[str, Role], made: Cut) -> None:
    letters = word.text[1:]
    if "-" + letters in options:  # `-maxdepth`, `-Xmx`: a whole word, where the table says so
        role = options["-" + letters]
        made.given.append(Given("-" + letters, rest.pop(0) if role is not Role.OPTIONAL and rest else None, role))
        return
    for index, letter in enumerate(letters):
        name = "-" + letter
        role = options.get(name)
        if role is None:
            made.given.append(Given(name))
            continue
        attached = letters[index + 1 :]
        if attached:
            made.given.append(
                Given(name, _part(word, attached.removeprefix("=") if role is not Role.VALUE else attached), role)
            )
        elif role is Role.OPTIONAL:
            made.given.append(Given(name, None, role))
        else:
            made.given.append(Given(name, rest.pop(0) if rest else None, role))
        return


def _part(word: Word, text: str) -> Word:
    return Word(text=text, raw=word.raw, is_known=word.is_known, is_pattern=word.is_pattern, may_split=word.may_split)
