"""A sed script: which files it reads and writes, and whether it runs a command (GNU sed manual, section 3 and 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ringfence.core.commands.draft import Draft
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

_SIMPLE: Final = frozenset("=dDgGhHnNpPxzF{}")
_WITH_NUMBER: Final = frozenset("lLqQ")
_WITH_LABEL: Final = frozenset("btT:v")
_WITH_TEXT: Final = frozenset("aic")
_BLANK: Final = " \t"
MOST: Final = 20_000


class _UnreadError(ValueError):
    pass


@dataclass(slots=True)
class Script:
    """What was found."""

    reads: list[str] = field(default_factory=list[str])
    writes: list[str] = field(default_factory=list[str])
    runs: bool = False


def read_script(text: str) -> Script | None:
    """None: it is no script that is understood here."""
    if len(text) > MOST:
        return None
    found = Script()
    try:
        at = 0
        while at < len(text):
            at = _command(text, at, found)
    except _UnreadError:
        return None
    return found


def sed(draft: Draft) -> None:
    """`sed SCRIPT FILE...`, in place or not."""
    made = draft.cut
    words = list(made.words)
    scripts = made.values("-e", "--expression")
    has_file = made.has("-f", "--file")
    if not scripts and not has_file and words:
        scripts = [words.pop(0)]
    draft.uses[:] = [use for use in draft.uses if use.use is Use.READ and has_file]
    if has_file:
        draft.doubt(Undecided.CODE, "a script of sed in a file")
    for script in scripts:
        if not script.is_known and "?" in script.text and not made.has("--sandbox"):
            draft.doubt(Undecided.CODE, "a part of sed's script is known only when it runs")
            continue
        read = read_script(script.text)
        if read is None or read.runs:
            draft.doubt(Undecided.CODE, "sed's script runs a command, or cannot be read")
            continue
        for path in read.reads:
            draft.path(Use.READ, Word(text=path, raw=script.raw))
        for path in read.writes:
            draft.becomes("writes")
            draft.path(Use.WRITE, Word(text=path, raw=script.raw))
    in_place = made.has("-i", "--in-place", "--in-plac", "--in-pla", "--in-pl", "--in-p", "--in", "--i", "--in-")
    if in_place:
        draft.becomes("writes")
        for suffix in made.values("-i", "--in-place"):
            _kept(draft, suffix, words)
    for word in words:
        draft.path(Use.READ, word)
        if in_place:
            draft.path(Use.WRITE, word)
    if draft.command.takes_more:
        draft.path(
            Use.WRITE if in_place else Use.READ, Word(text="?", raw="files that are known only when it runs", is_known=False)
        )


def _kept(draft: Draft, suffix: Word, files: Sequence[Word]) -> None:
    """With a `/` in the suffix of `-i` the old file is kept in another folder, with a `*` under another name."""
    if not ({"/", "*"} & set(suffix.text)):
        return
    for file in files:
        folder, slash, name = file.text.rpartition("/")
        kept = suffix.text.replace("*", name) if "*" in suffix.text else name + suffix.text
        path = kept if "/" in kept else f"{folder}{slash}{kept}"
        is_known = suffix.is_known and file.is_known
        draft.path(Use.WRITE, Word(text=path, raw=suffix.raw, is_known=is_known), empties=True)


def _command(text: str, at: int, found: Script) -> int:
    at = _skip(text, at, " \t\n;")
    if at >= len(text):
        return at
    if text[at] == "#":
        end = text.find("\n", at)
        return len(text) if end < 0 else end + 1
    at = _address(text, at)
    at = _skip(text, at, _BLANK)
    if at < len(text) and text[at] == ",":
        at = _address(text, _skip(text, at + 1, _BLANK))
    at = _skip(text, at, " \t!")
    if at >= len(text):
        raise _UnreadError
    letter = text[at]
    at += 1
    if letter in _SIMPLE:
        return at
    if letter in _WITH_NUMBER:
        at = _skip(text, at, _BLANK)
        return _skip(text, at, "0123456789")
    if letter in _WITH_LABEL:
        while at < len(text) and text[at] not in "\n;":
            at += 1
        return at
    if letter in _WITH_TEXT:
        return _text_end(text, at)
    if letter in "rRwW":
        name, at = _to_line_end(text, at)
        (found.reads if letter in "rR" else found.writes).append(name)
        return at
    if letter == "e":
        found.runs = True
        return len(text)
    if letter == "y":
        return _delimited(text, at, 2)
    if letter == "s":
        return _flags(text, _delimited(text, at, 2), found)
    raise _UnreadError


def _skip(text: str, at: int, what: str) -> int:
    while at < len(text) and text[at] in what:
        at += 1
    return at


def _address(text: str, at: int) -> int:
    if at >= len(text):
        return at
    if text[at] in "0123456789$+~":
        return _skip(text, at, "0123456789$+~")
    if text[at] == "/":
        return _skip(text, _delimited(text, at, 1), "IM")
    if text[at] == "\\" and at + 1 < len(text):
        return _skip(text, _delimited(text, at + 1, 1), "IM")
    return at


def _delimited(text: str, at: int, parts: int) -> int:
    """After the last delimiter. Inside brackets a delimiter ends the pattern too, or does not: both readings must
    come to the same."""
    if at >= len(text) or text[at] in "\n\\":
        raise _UnreadError
    delimiter = text[at]
    at += 1
    for _ in range(parts):
        while at < len(text) and text[at] != delimiter:
            if text[at] == "[" and delimiter in _bracket(text, at):
                raise _UnreadError
            at += 2 if text[at] == "\\" else 1
        if at >= len(text):
            raise _UnreadError
        at += 1
    return at


def _bracket(text: str, at: int) -> str:
    end = text.find("]", at + 2)
    return text[at:end] if 0 < end < at + 200 and "\n" not in text[at:end] else ""


def _flags(text: str, at: int, found: Script) -> int:
    while at < len(text) and text[at] in "gpiIemM0123456789":
        found.runs = found.runs or text[at] == "e"
        at += 1
    if at < len(text) and text[at] == "w":
        name, at = _to_line_end(text, at + 1)
        found.writes.append(name)
        return at
    at = _skip(text, at, _BLANK)
    if at < len(text) and text[at] not in "\n;}#":
        raise _UnreadError
    return at


def _to_line_end(text: str, at: int) -> tuple[str, int]:
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    name = text[at:end].strip()
    if not name:
        raise _UnreadError
    return name, end


def _text_end(text: str, at: int) -> int:
    while at < len(text) and text[at] != "\n":
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text))
