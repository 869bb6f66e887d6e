"""`cp`, `mv`, `ln`, `install`, `rm`, `chmod`, `mktemp`, `gzip`, `dd`: commands whose last word is a place, or which
change files where they are."""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.commands.draft import Draft
from ringfence.core.commands.paths import absolute
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word


def _ends(draft: Draft) -> tuple[list[Word], Word | None]:
    """Sources, and the place that they go to."""
    words = list(draft.cut.words)
    into = draft.cut.values("-t", "--target-directory")
    if into:
        return words, into[-1]
    if len(words) < 2:
        return words, None
    return words[:-1], words[-1]


def _made(draft: Draft, sources: list[Word], target: Word, *, replaces: bool = False) -> None:
    """What is written: the place itself, or, where it is a folder, a file in it of each source's name."""
    draft.path(Use.WRITE, target, empties=replaces)
    if draft.cut.has("-T", "--no-target-directory"):
        return
    for source in sources:
        last = source.text.rstrip("/").rpartition("/")[2]
        if last not in ("", ".", "..") and source.is_known and target.is_known:
            draft.path(Use.WRITE, Word(text=f"{target.text.rstrip('/')}/{last}", raw=target.raw), empties=replaces)


def copy(draft: Draft) -> None:
    """`cp SOURCE... PLACE`, `install`."""
    if draft.command.words[0].text.endswith("install") and draft.cut.has("-d", "--directory"):
        for word in draft.cut.words:
            draft.path(Use.WRITE, word)
        return
    sources, target = _ends(draft)
    is_deep = draft.cut.has("-r", "-R", "--recursive", "-a", "--archive")
    for word in sources:
        draft.path(Use.READ, word, below=is_deep)
    if target is not None:
        _made(draft, sources, target, replaces=all(word.text == "/dev/null" for word in sources))
        if draft.cut.has("-l", "--link", "-s", "--symbolic-link"):
            for word in sources:
                draft.path(Use.WRITE, word, below=True)
    _more(draft)


def move(draft: Draft) -> None:
    """`mv SOURCE... PLACE`."""
    sources, target = _ends(draft)
    to = absolute(target.text, draft.cwd) if target is not None and target.is_known else "/"
    for word in sources:
        draft.path(Use.READ, word, below=True)
        draft.path(Use.DELETE, word, below=True, moved_to=to)
    if target is not None:
        _made(draft, sources, target)
    _more(draft)


def link(draft: Draft) -> None:
    """`ln TARGET PLACE`: what is done to one end is done to the other, so it counts as reading and writing the target."""
    words = list(draft.cut.words)
    sources, place = _ends(draft)
    if place is None and len(words) == 1:
        place = Word(text=words[0].text.rstrip("/").rpartition("/")[2] or ".", raw=words[0].raw, is_known=words[0].is_known)
    for word in sources:
        end = word
        if (
            draft.cut.has("-s", "--symbolic")
            and not word.text.startswith("/")
            and place is not None
            and "/" in place.text.rstrip("/")
        ):
            # A symbolic link is read from where it lies.
            end = Word(
                text=place.text.rstrip("/").rpartition("/")[0] + "/" + word.text,
                raw=word.raw,
                is_known=word.is_known and place.is_known,
            )
            draft.path(Use.READ, word, below=True)
        draft.path(Use.READ, end, below=True)
        draft.path(Use.WRITE, end, below=True)
    if place is not None:
        # With `-f` what was there is removed, and a link stands in its place.
        _made(draft, sources, place, replaces=draft.cut.has("-f", "--force"))
    _more(draft)


def _more(draft: Draft) -> None:
    if draft.command.takes_more:
        draft.doubt(Undecided.PATH, "more files, which are known only when it runs")


def remove(draft: Draft) -> None:
    """`rm`."""
    below = draft.cut.has("-r", "-R", "--recursive")
    for word in draft.cut.words:
        draft.path(Use.DELETE, word, below=below)
    if draft.command.takes_more:
        draft.path(Use.DELETE, Word(text="?", raw="files that are known only when it runs", is_known=False), below=below)


def modes(draft: Draft) -> None:
    """`chmod`: with `-R` all below."""
    if draft.cut.has("-R", "--recursive"):
        draft.uses[:] = [replace(use, below=True) if use.use is Use.WRITE else use for use in draft.uses]


def temporary(draft: Draft) -> None:
    """`mktemp [TEMPLATE]`: without a template, or with `-t`, the file is made in the folder for temporary ones."""
    made = draft.cut
    for word in made.values("--tmpdir"):
        draft.path(Use.WRITE, word, below=True)
    if made.has("-p"):
        draft.path(Use.WRITE, Word(text=".", raw="-p"), below=True)
    if made.has("-t", "-u", "--dry-run"):
        draft.uses[:] = [use for use in draft.uses if use.use is not Use.WRITE]


def dd(draft: Draft) -> None:
    """`dd if=FILE of=FILE`."""
    for word in draft.cut.words:
        name, _, value = word.text.partition("=")
        part = Word(text=value, raw=word.raw, is_known=word.is_known)
        if name == "if":
            draft.path(Use.READ, part)
        elif name == "of":
            draft.path(Use.WRITE, part, empties=any(other.text == "if=/dev/null" for other in draft.cut.words))
            if value.startswith("/dev/") and value not in ("/dev/null", "/dev/stdout", "/dev/stderr"):
                draft.becomes("breaks")
        elif not word.is_known:
            draft.doubt(Undecided.PATH, "what it copies is known only when it runs")
    _more(draft)


def gzip(draft: Draft) -> None:
    """`gzip FILE`: the packed one takes the place of the file."""
    to_output = draft.cut.has("-c", "--stdout", "--to-stdout", "-t", "--test", "-l", "--list")
    for word in draft.cut.words:
        draft.path(Use.READ, word)
        if not to_output:
            draft.path(Use.WRITE, word)
            if draft.cut.has("-r", "--recursive"):
                draft.becomes("project")
    if (to_output or not draft.cut.words) and not any(use.use is Use.WRITE for use in draft.uses):
        draft.settles("reads")
    for word in draft.cut.values("--files", "--files0", "--filelist"):
        draft.path(Use.READ, word)
    if draft.cut.has("--files", "--files0", "--filelist"):
        draft.doubt(Undecided.PATH, "which files is written in another one")
    if draft.command.takes_more:
        draft.doubt(Undecided.PATH, "more files, which are known only when it runs")
