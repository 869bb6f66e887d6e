"""Paths in the place of patterns, as the shell puts them there before a command is run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.commands.paths import absolute, relative
from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Command, Redirection, Word
from ringfence.ports.files import Files

MOST_FITTING: Final = 500
"""Paths that one pattern stands for."""
MOST_PATTERNS: Final = 50
"""Patterns of one command that are worked out."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A command whose patterns are worked out, as far as they can be."""

    command: Command
    doubts: tuple[Doubt, ...] = ()


async def filled_in(command: Command, files: Files) -> Filled:
    """What fits nothing stays as it is written, as bash leaves it."""
    if not any(word.is_pattern for word in command.words) and not any(one.target.is_pattern for one in command.redirections):
        return Filled(command)
    words: list[Word] = []
    doubts: list[Doubt] = []
    left = MOST_PATTERNS
    for word in command.words:
        if not word.is_pattern:
            words.append(word)
            continue
        left -= 1
        if left < 0:
            doubts.append(Doubt(Undecided.LENGTH, f"more than {MOST_PATTERNS} patterns"))
            words.append(word)
            continue
        words.extend(await _fitting(word, command.cwd, files, doubts))
    redirections = [await _redirected(one, command.cwd, files, doubts) for one in command.redirections]
    return Filled(replace(command, words=tuple(words), redirections=tuple(redirections)), tuple(doubts))


async def _fitting(word: Word, cwd: str | None, files: Files, doubts: list[Doubt]) -> list[Word]:
    if not word.is_known or (cwd is None and not word.text.startswith("/")):
        return [word]
    paths = await files.fitting(absolute(word.text, cwd), MOST_FITTING)
    if paths is None:
        doubts.append(Doubt(Undecided.PATH, f"{word.text[:80]} stands for more than {MOST_FITTING} paths"))
        return [word]
    if not paths:
        return [word if _may_come_to_fit(word.text.rpartition("/")[2]) else replace(word, is_pattern=False)]
    is_absolute = word.text.startswith("/") or cwd is None
    return [Word(text=path if is_absolute or cwd is None else relative(path, cwd), raw=word.raw) for path in paths]


def _may_come_to_fit(name: str) -> bool:
    """The program gets the pattern itself, which is no file. What is hidden may be there by then: `git stash pop; cat .e*`."""
    return name.startswith(".") or (name.startswith(("*", "?", "[")) and "." not in name[1:])


async def _redirected(one: Redirection, cwd: str | None, files: Files, doubts: list[Doubt]) -> Redirection:
    if not one.target.is_pattern:
        return one
    words = await _fitting(one.target, cwd, files, doubts)
    return replace(one, target=words[0]) if len(words) == 1 else one
