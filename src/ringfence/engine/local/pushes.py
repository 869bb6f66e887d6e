"""What `git push` would send: commits that were made before anybody looked, with all that ever stood in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.model.local import Doubt, LocalAct, PathUse, Undecided, Use
from ringfence.engine.local.git_words import command_at, folder_of, is_one
from ringfence.ports.files import Files, Outgoing

MOST_SENT: Final = 8 << 20
"""Bytes of all pushes of one call that are scanned."""
MOST_PUSHES: Final = 8
"""Different ones of one call that are looked through."""
MOST_NAMED: Final = 20
_VALUED: Final = frozenset({"-o", "--push-option", "--receive-pack", "--exec"})
_EVERYTHING: Final = frozenset({"--all", "--branches", "--mirror", "--tags"})
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
        at = command_at(act.words)
        if at is None or act.words[at] != "push":
            made.append(act)
            continue
        push = _push(act.words, at, cwd)
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


def _push(words: Sequence[str], at: int, cwd: str | None) -> Push | None:
    """What it says; None: it cannot be told."""
    folder = folder_of(words[1:at], cwd)
    if folder is None:
        return None
    plain: list[str] = []
    options: list[str] = []
    remote = ""
    rest = iter(words[at + 1 :])
    for word in rest:
        if word == "--":
            plain += rest
        elif is_one(word, _VALUED):
            next(rest, None)
        elif is_one(word, ("--repo",)):
            remote = next(rest, "")
        elif word.startswith("-"):
            options.append(word)
            remote = word.partition("=")[2] if word.startswith("--repo=") else remote
        else:
            plain.append(word)
    if any(word.startswith("--recu") and not word.endswith(("=no", "=check")) for word in options):
        return None  # what the others send is in their repositories
    remote, refs = (plain[0], plain[1:]) if plain else (remote, [])
    return Push(folder, remote, None if any(is_one(word, _EVERYTHING) for word in options) else _revisions(refs))


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
