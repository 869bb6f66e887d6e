"""What `git push` would send: commits that were made before anybody looked, with all that ever stood in them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.commands.paths import absolute
from ringfence.core.model.local import Doubt, LocalAct, PathUse, Undecided, Use
from ringfence.ports.files import Files, Outgoing

MOST_SENT: Final = 8 << 20
"""Bytes of all pushes of one call that are scanned."""
MOST_PUSHES: Final = 8
"""Different ones of one call that are looked through."""
MOST_NAMED: Final = 20
_VALUED: Final = frozenset({"-o", "--push-option", "--receive-pack", "--exec"})
_EVERYTHING: Final = frozenset({"--all", "--branches", "--mirror", "--tags"})
_BEFORE: Final = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--exec-path", "--super-prefix"}
)
"""Options of git itself with a value behind them."""
_UNSEEN: Final = Doubt(Undecided.PATH, "what it sends cannot be looked through: too much, or commits that are not known here")


@dataclass(frozen=True, slots=True)
class Push:
    """One, as far as its words say."""

    folder: str
    remote: str = ""
    revisions: tuple[str, ...] | None = ()
    """As `Files.outgoing` takes them."""


async def with_pushed(
    acts: Sequence[LocalAct], cwds: Sequence[str | None], files: Files, guarded: Callable[[str], bool] | None
) -> tuple[tuple[LocalAct, ...], tuple[Outgoing, ...]]:
    """The acts with the guarded files and the doubts of what they push, and what they push."""
    made: list[LocalAct] = []
    known: dict[Push, Sequence[Outgoing] | None] = {}
    left = MOST_SENT
    for act, cwd in zip(acts, cwds, strict=True):
        words = _words_of_push(act)
        if words is None:
            made.append(act)
            continue
        push = _push(words, cwd)
        if push is not None and push not in known and len(known) < MOST_PUSHES:
            known[push] = await files.outgoing(push.folder, push.revisions, push.remote, left)
            left -= sum(len(one.text) for one in known[push] or ())
        found = known.get(push) if push is not None else None
        if push is None or found is None:
            made.append(replace(act, doubts=(*act.doubts, _UNSEEN)))
            continue
        named = [one.path for one in found if one.path and guarded is not None and guarded(one.path)]
        uses = (PathUse(use=Use.READ, path=path, real=path, through=push.folder) for path in dict.fromkeys(named[:MOST_NAMED]))
        made.append(replace(act, paths=(*act.paths, *uses)))
    return tuple(made), tuple(one for sent in known.values() for one in sent or ())


def _words_of_push(act: LocalAct) -> Sequence[str] | None:
    if not act.words or posixpath.basename(act.words[0]) != "git":
        return None
    at = _command_at(act.words)
    return act.words if act.words[at : at + 1] == ("push",) else None


def _command_at(words: Sequence[str]) -> int:
    """Where git's own options end."""
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _BEFORE else 1
    return at


def _push(words: Sequence[str], cwd: str | None) -> Push | None:
    """What it says; None: it cannot be told."""
    at = _command_at(words)
    folder = _folder(words[1:at], cwd)
    if folder is None:
        return None
    plain: list[str] = []
    options: list[str] = []
    remote = ""
    rest = iter(words[at + 1 :])
    for word in rest:
        if word == "--":
            plain += rest
        elif _is_one(word, _VALUED):
            next(rest, None)
        elif _is_one(word, ("--repo",)):
            remote = next(rest, "")
        elif word.startswith("-"):
            options.append(word)
            remote = word.partition("=")[2] if word.startswith("--repo=") else remote
        else:
            plain.append(word)
    if any(word.startswith("--recu") and not word.endswith(("=no", "=check")) for word in options):
        return None  # what the others send is in their repositories
    remote, refs = (plain[0], plain[1:]) if plain else (remote, [])
    return Push(folder, remote, None if any(_is_one(word, _EVERYTHING) for word in options) else _revisions(refs))


def _is_one(word: str, options: Iterable[str]) -> bool:
    """Whether it is one of these options, as git understands it: cut short too."""
    return any(word == option or (len(word) > 2 and option.startswith(word)) for option in options)


def _folder(before: Sequence[str], cwd: str | None) -> str | None:
    folder = cwd
    rest = iter(before)
    for word in rest:
        if word == "-C":
            folder = absolute(next(rest), folder) if folder is not None else None
        elif word.startswith(("-c", "--")) and not word.startswith("--no-pager"):
            return None  # another repository, or other settings
    return None if folder is None or "?" in folder else folder


def _revisions(refs: Sequence[str]) -> tuple[str, ...] | None:
    found: list[str] = []
    for number, ref in enumerate(refs):
        if ref == "tag" and number + 1 < len(refs):
            continue
        source = ref.removeprefix("+").partition(":")[0]
        if "*" in source or ref.removeprefix("+") == ":":
            return None
        if source:
            found.append(source)
    return tuple(found)
