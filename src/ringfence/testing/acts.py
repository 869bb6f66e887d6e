"""Acts of a client's tools and lists of permission rules, as tests need them."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable
from typing import Any, Final

from ringfence.core.commands.kinds import KINDS
from ringfence.core.model.local import Judgement, Kind, LocalAct, PathUse, Place, Use
from ringfence.core.model.permissions import Listed, PermissionLists, PermissionRule
from ringfence.core.permissions.reading import Fault, read_rule

PROJECT: Final = "/srv/larder"
HOME: Final = "/home/dev"
PLACE: Final = Place(cwd=PROJECT, roots=(PROJECT,), home=HOME)


def a_rule(text: str, listed: Listed = Listed.DENY, anchor: str = "") -> PermissionRule:
    """One rule that says something."""
    read = read_rule(text, listed, anchor=anchor)
    assert not isinstance(read, Fault), f"{text}: {read.message}"
    assert read.rule is not None, f"{text}: {read.remark}"
    return read.rule


def a_list(*, deny: Iterable[str] = (), ask: Iterable[str] = (), allow: Iterable[str] = ()) -> PermissionLists:
    """Lists as a person writes them."""
    return PermissionLists(
        deny=tuple(a_rule(text, Listed.DENY) for text in deny),
        ask=tuple(a_rule(text, Listed.ASK) for text in ask),
        allow=tuple(a_rule(text, Listed.ALLOW) for text in allow),
    )


def a_use(use: Use, path: str, **fields: Any) -> PathUse:
    """A path that an act touches; relative ones are of the project."""
    whole = posixpath.normpath(posixpath.join(PROJECT, path))
    given: dict[str, Any] = {"real": whole, "is_there": True, **fields}
    return PathUse(use=use, path=whole, **given)


def reads(path: str, **fields: Any) -> PathUse:
    """It is read."""
    return a_use(Use.READ, path, **fields)


def writes(path: str, **fields: Any) -> PathUse:
    """It is written."""
    return a_use(Use.WRITE, path, **fields)


def deletes(path: str, **fields: Any) -> PathUse:
    """It is removed."""
    return a_use(Use.DELETE, path, **fields)


def a_command(text: str, kind: str = "says", **fields: Any) -> LocalAct:
    """A simple command, whose words are read as a shell reads them. `kind`: as the command profiles call it."""
    known = KINDS[kind]
    words = tuple(shlex.split(text))
    given: dict[str, Any] = {
        "profile": known.profile,
        "scope": known.scope,
        "words": words,
        "is_known": kind != "unknown",
        **fields,
    }
    return LocalAct(kind=Kind.COMMAND, text=shlex.join(words), spellings=(text,), tool="Bash", **given)


def a_tool(tool: str, text: str, *paths: PathUse, kind: Kind = Kind.FILE, does: str = "", **fields: Any) -> LocalAct:
    """A call of another tool."""
    known = KINDS[does or ("writes" if any(use.use is not Use.READ for use in paths) else "reads")]
    given: dict[str, Any] = {"profile": known.profile, "scope": known.scope, **fields}
    return LocalAct(kind=kind, text=text, tool=tool, paths=tuple(paths), **given)


def judged(*acts: LocalAct, text: str = "", place: Place = PLACE, **fields: Any) -> Judgement:
    """What a call with these acts comes to."""
    changed = [use.real or use.path for act in acts for use in act.paths if use.use in (Use.WRITE, Use.DELETE)]
    given: dict[str, Any] = {
        "profile": acts[0].profile if acts else KINDS["unknown"].profile,
        "files": tuple(changed),
        **fields,
    }
    return Judgement(place=place, acts=tuple(acts), text=text, **given)
