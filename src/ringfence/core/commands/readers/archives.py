"""`tar` and `unzip`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfence.core.commands.draft import Draft
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

_HERE: Final = Word(text=".", raw=".")
_WITH_VALUE: Final = frozenset("fCTXIgbNKVLFH")
_LONG_VALUE: Final = {
    "--file": "f",
    "--directory": "C",
    "--files-from": "T",
    "--exclude-from": "X",
    "--use-compress-program": "I",
    "--listed-incremental": "g",
    "--to-command": "!",
    "--checkpoint-action": "!",
    "--info-script": "!",
    "--new-volume-script": "!",
    "--rsh-command": "!",
    "--rmt-command": "!",
    "--exclude": "-",
    "--transform": "-",
    "--xform": "-",
    "--strip-components": "-",
    "--owner": "-",
    "--group": "-",
    "--mode": "-",
    "--mtime": "-",
    "--format": "-",
    "--sort": "-",
    "--newer": "N",
    "--blocking-factor": "b",
    "--label": "V",
    "--index-file": "w",
    "--one-top-level": "C",
    "--volno-file": "w",
    "--add-file": "a",
}
_LONG_MODE: Final = {
    "--create": "c",
    "--extract": "x",
    "--get": "x",
    "--list": "t",
    "--append": "r",
    "--update": "u",
    "--delete": "d",
    "--remove-files": "m",
    "--concatenate": "A",
    "--catenate": "A",
    "--diff": "t",
    "--compare": "t",
    "--to-stdout": "O",
}


def tar(draft: Draft) -> None:
    """Packing reads trees and writes the archive; unpacking writes whatever the archive names."""
    modes: set[str] = set()
    values: dict[str, list[Word]] = {}
    files: list[Word] = []
    rest = list(draft.command.words[1:])
    is_first = True
    while rest:
        word = rest.pop(0)
        text = word.text
        if text.startswith("--") and len(text) > 2:
            _long(word, rest, modes, values)
        elif (text.startswith("-") and len(text) > 1) or (is_first and not text.startswith("-")):
            _bundle(word, rest, modes, values, is_old=not text.startswith("-"))
        elif text != "--":
            files.append(_placed(word, values.get("C", ())))
        if is_first and not word.is_known:
            draft.doubt(Undecided.WORD, "what tar is to do is known only when it runs")
        is_first = False
    for word in [*values.get("!", ()), *values.get("I", ()), *values.get("F", ()), *values.get("H", ())]:
        if word.text not in ("gzip", "bzip2", "xz", "zstd", "pigz", "lz4", "posix", "gnu", "ustar", "pax", "-"):
            draft.doubt(Undecided.CODE, f"tar runs {word.raw[:80]}")
    for word in values.get("T", ()):
        draft.path(Use.READ, word)
        draft.doubt(Undecided.PATH, "which files is written in another one")
    if draft.command.takes_more:
        draft.doubt(Undecided.PATH, "more files, which are known only when it runs")
    _done(draft, modes, values, files)


def _placed(word: Word, folders: Sequence[Word]) -> Word:
    """A file as it is found: each `-C` before it changes the folder, from where the one before it led."""
    text, is_known = word.text, word.is_known
    for folder in reversed(folders):
        if not text.startswith("/"):
            text = f"{folder.text}/{text}"
            is_known = is_known and folder.is_known
    return Word(text=text, raw=word.raw, is_known=is_known, is_pattern=word.is_pattern)


def _done(draft: Draft, modes: set[str], values: dict[str, list[Word]], files: list[Word]) -> None:
    archives = values.get("f", [])
    folders = values.get("C", [])
    for word in values.get("w", []) + values.get("g", []):
        draft.becomes("writes")
        draft.path(Use.WRITE, word)
    if modes & {"c", "r", "u", "A", "d"}:
        if any(word.text != "-" for word in archives):
            draft.becomes("writes")
        for word in archives:
            draft.path(Use.WRITE, word)
        for word in [*files, *values.get("a", ())] if "d" not in modes else ():
            draft.path(Use.READ, word, below=True)
            if "m" in modes:
                draft.becomes("deletes")
                draft.path(Use.DELETE, word, below=True)
    elif "x" in modes:
        for word in archives:
            draft.path(Use.READ, word)
        if "O" not in modes:
            draft.becomes("project")
            for word in folders or [_HERE]:
                draft.path(Use.WRITE, word, below=True)
    else:
        for word in archives:
            draft.path(Use.READ, word)
        if "t" not in modes and (archives or files):
            draft.doubt(Undecided.WORD, "what tar is to do is not clear")


def _long(word: Word, rest: list[Word], modes: set[str], values: dict[str, list[Word]]) -> None:
    name, is_attached, value = word.text.partition("=")
    for full, mode in _LONG_MODE.items():
        if full == name or (len(name) > 4 and full.startswith(name)):
            modes.add(mode)
    meant = (
        {_LONG_VALUE[name]}
        if name in _LONG_VALUE
        else {key for full, key in _LONG_VALUE.items() if len(name) > 4 and full.startswith(name)}
    )
    if not meant:
        return
    taken = Word(text=value, raw=word.raw, is_known=word.is_known) if is_attached else rest.pop(0) if rest else word
    for key in meant:
        values.setdefault(key, []).append(taken)


def _bundle(word: Word, rest: list[Word], modes: set[str], values: dict[str, list[Word]], *, is_old: bool) -> None:
    letters = word.text.lstrip("-")
    for index, letter in enumerate(letters):
        if letter in _WITH_VALUE:
            attached = letters[index + 1 :]
            if attached and not is_old:
                values.setdefault(letter, []).append(Word(text=attached, raw=word.raw, is_known=word.is_known))
                return
            if rest:
                values.setdefault(letter, []).append(rest.pop(0))
        elif letter in "cxtruAdO":
            modes.add(letter if letter != "d" else "t")


def unzip(draft: Draft) -> None:
    """It writes whatever the archive names, unless it lists or prints."""
    if draft.cut.has("-l", "-t", "-p", "-Z", "-v", "-c", "-z"):
        draft.settles("reads")
        return
    for word in draft.cut.values("-d") or [_HERE]:
        draft.path(Use.WRITE, word, below=True)
