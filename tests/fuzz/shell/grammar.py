"""Commands drawn at random: simple ones, disguised, wrapped, nested and put into places, harmful and harmless."""

from __future__ import annotations

from random import Random

from tests.fuzz.shell.atoms import HARM, HARMLESS, Atom
from tests.fuzz.shell.forms import NESTINGS, OPERANDS, PLACES, WRAPPERS
from tests.fuzz.shell.words import disguised, name, path, quoted

DEEPEST = 3


def command(rng: Random) -> str:
    """One text for bash; about half of them do harm."""
    return _command(rng, rng.randrange(DEEPEST + 1))


def _command(rng: Random, depth: int) -> str:
    if depth == 0:
        return simple(rng.choice(HARM if rng.random() < 0.5 else HARMLESS), rng)
    draw = rng.random()
    if draw < 0.3:
        return rng.choice(PLACES)(_command(rng, depth - 1), rng)
    if draw < 0.5:
        return rng.choice(NESTINGS)(_command(rng, depth - 1), rng)
    if draw < 0.65:
        return rng.choice(OPERANDS)(_command(rng, depth - 1), rng)
    if draw < 0.75:
        return f"{rng.choice(WRAPPERS)} {_command(rng, depth - 1)}"
    if draw < 0.95:
        parts = [_command(rng, rng.randrange(depth)) for _ in range(2)]
        return rng.choice([" && ", "; ", " | ", "\n", " || ", " & "]).join(parts)
    return _moved(rng, depth)


def simple(atom: Atom, rng: Random) -> str:
    """A simple command, its words perhaps in other spellings."""
    first, *rest = atom
    if first in ("[[", "x=1"):
        return " ".join(atom)
    before = ""
    words: list[str] = []
    for word in rest:
        if word[:1] == "@":
            said, more = _operand(word[1:], rng)
            words.append(said)
            before += more
        else:
            words.append(disguised(word, rng) if word.isalnum() and rng.random() < 0.1 else word)
    if rng.random() < 0.1:
        before += f"X={quoted(first)}; "
        first = rng.choice(["$X", '"$X"', "${X}", "${X:-a}", "${X%z}"])
    elif rng.random() < 0.4:
        first = name(first, rng)
    if rng.random() < 0.1:
        words.sort(key=lambda word: word[:1] != "-")
    between = rng.choice([" "] * 8 + ["\t", "  ", " \\\n"])
    text = between.join([first, *words])
    if rng.random() < 0.05 and first.isalpha():
        text = f"echo {quoted(' '.join(rest).replace('@', ''))} | xargs {first}"
    if rng.random() < 0.12:
        text = f"{rng.choice(WRAPPERS)} {text}"
    return before + text


def _operand(word: str, rng: Random) -> tuple[str, str]:
    draw = rng.random()
    if draw < 0.08:
        return rng.choice(["$p", '"$p"', "${p}", "$p/", "${p#x}"]), f"p={word}; "
    if draw < 0.12 and "/" in word:
        folder, _, last = word.rpartition("/")
        return f"$d/{last}", f"d={folder}; "
    if draw < 0.16:
        return "lnk", f"ln -sfn {word} lnk; "
    return (path(word, rng) if draw < 0.55 else word), ""


def _moved(rng: Random, depth: int) -> str:
    """In another folder, with paths that lead back."""
    folder, inner = rng.choice(
        [("secrets", "cat k.txt"), ("protected", "echo HACK > f"), ("keep", "rm f"), ("V", "cat ../.env")]
    )
    if rng.random() < 0.3:
        inner = rng.choice(HARMLESS)[0]
    joint = rng.choice([" && ", "; ", "\n"])
    go = rng.choice(["cd", "pushd", "cd --", "cd -P", "builtin cd", "CDPATH=. cd", "command cd"])
    text = f"{go} {path(folder, rng) if rng.random() < 0.4 else folder}{joint}{inner}"
    return text if depth < 2 else rng.choice(PLACES)(text, rng)
