"""Which files the words can be that another command prints: those that list files say where, and by which names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.core.shell.command import Command, Word

FILTERS: Final = frozenset({"sort", "uniq", "head", "tail", "grep", "egrep", "fgrep", "tac", "shuf"})
"""Commands that pass lines of their input on as they are, or not."""
_SIMPLE: Final = re.compile(r'"?\$\(([^()`$;&|<>\n\\{}!]{1,400})\)"?')
_MAGIC: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Listed:
    """Files below one folder."""

    folder: str
    """As the command names it."""
    only: tuple[str, ...] = ()
    """Patterns of their names; empty: any."""
    is_anchored: bool = False
    """Each begins with the folder's name, so none of them can be taken for an option."""


def added(command: Command) -> tuple[Listed, ...]:
    """Where the files lie that are added to a command's words when it runs; empty: nobody knows."""
    if not command.takes_more or not command.outer:
        return ()
    outer = command.outer[-1]
    name = outer[0].text.rpartition("/")[2] if outer else ""
    if name == "find":
        return listed(outer, is_inside_find=True)
    if name != "xargs" or any(word.text.startswith(("-a", "--arg")) for word in outer[1:]):
        return ()
    return fed(command.fed_by)


def fed(chain: Sequence[Sequence[Word]]) -> tuple[Listed, ...]:
    """What comes through a pipe, the nearest command first."""
    for words in chain:
        if words and words[0].text in FILTERS and not _has_files(words):
            continue
        return listed(words)
    return ()


def printed(word: Word) -> tuple[Listed, ...]:
    """What stands in the place of `$(git ls-files src)`."""
    match = _SIMPLE.fullmatch(word.raw)
    if word.is_known or not match:
        return ()
    try:
        return listed([Word(text=text, raw=text) for text in shlex.split(match[1])])
    except ValueError:
        return ()


def listed(words: Sequence[Word], *, is_inside_find: bool = False) -> tuple[Listed, ...]:
    """What one command lists; empty: nobody knows."""
    if not words or not all(word.is_known for word in words):
        return ()
    texts = [word.text for word in words]
    match texts[0]:
        case "find":
            return _find(texts[1:], is_inside_find=is_inside_find)
        case "git":
            return _git(texts[1:])
        case "grep" | "rg" | "egrep" | "fgrep":
            return _grep(texts)
        case _:
            return ()


def _has_files(words: Sequence[Word]) -> bool:
    """Whether a filter reads files, or changes lines, instead of passing its input on."""
    operands = [word.text for word in words[1:] if not word.text.startswith("-")]
    options = [word.text for word in words[1:] if word.text.startswith("-")]
    if not all(word.is_known for word in words):
        return True
    if "grep" in words[0].text:
        changes = any(option.startswith("--") or set(option[1:]) - set("viwxEFPazh") for option in options)
        return len(operands) > 1 or changes
    return any(not operand.isdigit() for operand in operands) or any(
        option.startswith(("-o", "--", "-c", "-f")) for option in options
    )


def _find(words: Sequence[str], *, is_inside_find: bool) -> tuple[Listed, ...]:
    starts: list[str] = []
    rest = list(words)
    while rest and rest[0] in ("-H", "-L", "-P"):
        rest.pop(0)
    while rest and not rest[0].startswith(("-", "(", "!")):
        starts.append(rest.pop(0))
    if any(word in ("-printf", "-fprintf", "-exec", "-execdir", "-ok", "-L") for word in rest) and not is_inside_find:
        return ()
    if any(word in ("-printf", "-fprintf", "-execdir", "-okdir") for word in rest) or "-L" in words[:3]:
        return ()
    names = [
        rest[index + 1]
        for index, word in enumerate(rest[:-1])
        if word in ("-name", "-iname") and (index == 0 or rest[index - 1] not in ("!", "-not"))
    ]
    either = sum(word in ("-o", "-or", ",") for word in rest)
    only = tuple(names) if names and (not either or either == len(names) - 1) else ()
    return tuple(Listed(start, only, is_anchored=not start.startswith("-")) for start in starts or ["."])


def _git(words: Sequence[str]) -> tuple[Listed, ...]:
    rest = [word for word in words if word not in ("--no-pager",)]
    if not rest:
        return ()
    verb, given = rest[0], rest[1:]
    if verb == "ls-files":
        if any(word.startswith(("--format", "-s", "--stage", "-t", "--eol", "--debug", "-u")) for word in given):
            return ()
        specs = [word for word in given if not word.startswith("-")]
    elif (verb == "diff" and "--name-only" in given) or (
        verb == "grep" and any(word in ("-l", "--files-with-matches", "--name-only") for word in given)
    ):
        specs = given[given.index("--") + 1 :] if "--" in given else []
    else:
        return ()
    return tuple(of_pathspec(spec) for spec in specs) or (Listed("."),)


def of_pathspec(spec: str) -> Listed:
    """A `*` of git goes over folders as well."""
    if spec.startswith(":"):
        return Listed(".")
    magic = _MAGIC.search(spec)
    if magic is None:
        return Listed(spec, is_anchored=True)
    head = spec[: magic.start()]
    folder = head.rpartition("/")[0]
    last = spec.rpartition("/")[2]
    return Listed(folder or ".", (last,) if _MAGIC.search(last) else (), is_anchored=bool(folder))


def _grep(texts: Sequence[str]) -> tuple[Listed, ...]:
    is_rg = texts[0] == "rg"
    names = False
    operands: list[str] = []
    only: list[str] = []
    for text in texts[1:]:
        if text.startswith("--include="):
            only.append(text.partition("=")[2])
        elif text in ("--files-with-matches", "--files-without-match"):
            names = True
        elif (
            text.startswith("--")
            and "=" not in text
            and text not in ("--recursive", "--ignore-case", "--null", "--word-regexp")
        ):
            return ()
        elif text.startswith("-") and not text.startswith("--"):
            if set(text[1:]) & set("efmABCgtTjdDM"):
                return ()
            names = names or "l" in text or "L" in text
        elif not text.startswith("-"):
            operands.append(text)
    if not names or not operands:
        return ()
    folders = operands[1:] or ["."]
    return tuple(Listed(folder, tuple(only), is_anchored=not is_rg or len(operands) > 1) for folder in folders)
