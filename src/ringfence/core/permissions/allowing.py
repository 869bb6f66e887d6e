"""Whether allow rules speak for an act: for its command, for every path that it changes or reads outside, for every host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.model.local import Doubt, Kind, LocalAct, PathUse, Place, Scope, Undecided, Use
from ringfence.core.model.permissions import PermissionLists, PermissionRule, Speaks
from ringfence.core.model.profile import Effect, Sensitivity, ToolProfile
from ringfence.core.permissions.commands import Names, names
from ringfence.core.permissions.forbidding import fits_host, names_tool
from ringfence.core.permissions.globs import fits_text
from ringfence.core.permissions.paths import covers, surely_inside
from ringfence.core.permissions.reading import SHELLS, WRITES

_CHANGES: Final = frozenset({Use.WRITE, Use.DELETE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What allow rules say of one act."""

    rule: PermissionRule | None = None
    lacks: str = ""
    """What no rule speaks for, in words; empty: nothing is missing."""
    is_named: bool = False
    """A rule names it closely enough to answer for whatever it does."""
    names_program: bool = False

    def lifts(self, doubt: Doubt) -> bool:
        """Whether a doubt is answered by a rule that names the program, or the tool: that nobody has described it."""
        return doubt.kind in (Undecided.UNKNOWN, Undecided.TOOL) and self.names_program


def spoken_for(act: LocalAct, place: Place, lists: PermissionLists, *, is_read: bool) -> Spoken:
    """What the allow rules say. `is_read`: one of them is the whole call's text."""
    best, rule = _best(act, lists)
    if is_read or best is Names.TEXT:
        return Spoken(rule=rule, is_named=True, names_program=True)
    is_tool = act.kind is not Kind.COMMAND and rule is not None
    is_named = best is Names.COMMAND or is_tool
    lacks = _lacks_rule(act, best, is_tool=is_tool) or _lacks_paths(act, place, lists, best)
    return Spoken(rule=rule, lacks=lacks, is_named=is_named, names_program=is_tool or best >= Names.PROGRAM)


def _best(act: LocalAct, lists: PermissionLists) -> tuple[Names, PermissionRule | None]:
    """The rule that names most of it; of several the first by its text."""
    found: list[tuple[int, str, str, PermissionRule]] = []
    for rule in lists.allow:
        named = _named(rule, act)
        if named is not Names.NOTHING:
            found.append((-named, rule.text, rule.source, rule))
    if not found:
        return Names.NOTHING, None
    best = min(found, key=lambda one: one[:3])
    return Names(-best[0]), best[3]


def _named(rule: PermissionRule, act: LocalAct) -> Names:
    match rule.speaks:
        case Speaks.TOOL if act.kind is Kind.COMMAND:
            return Names.ANYTHING if rule.tool in SHELLS else Names.NOTHING
        case Speaks.TOOL:
            is_file_rule = rule.tool == "Edit" and act.tool in WRITES
            return Names.ANYTHING if is_file_rule or (act.tool and names_tool(rule.tool, act.tool)) else Names.NOTHING
        case Speaks.COMMAND:
            return names(rule.pattern, act) if act.kind is Kind.COMMAND else Names.NOTHING
        case Speaks.NAME:
            return Names.COMMAND if act.tool == rule.tool and fits_text(rule.pattern, act.text) else Names.NOTHING
        case Speaks.DOMAIN:
            is_meant = act.kind is Kind.FETCH and act.hosts and all(h != "?" and fits_host(rule.pattern, h) for h in act.hosts)
            return Names.COMMAND if is_meant else Names.NOTHING
        case Speaks.PATH | Speaks.PARAMETER | Speaks.STATEMENT:
            return Names.NOTHING


def needs(act: LocalAct) -> Names:
    """How closely an allow rule has to name a command."""
    profile = act.profile
    if is_large(profile):
        return Names.COMMAND
    if profile.outbound or act.scope is Scope.REMOTE or act.hosts or profile.sensitivity is Sensitivity.REGULATED:
        return Names.PROGRAM
    if profile.effect is Effect.READ and act.is_known:
        return Names.NOTHING
    return Names.NOTHING if act.scope in (Scope.NOTHING, Scope.PATHS) and act.is_known else Names.ANYTHING


def is_large(profile: ToolProfile) -> bool:
    """Whether a write cannot be undone, knows no bound, costs or touches who may do what."""
    is_safe = profile.reversible and profile.bounded and not profile.costs_money and not profile.identity
    return profile.effect is Effect.WRITE and not is_safe


def _lacks_rule(act: LocalAct, best: Names, *, is_tool: bool) -> str:
    if act.kind is Kind.FILE or is_tool:
        return ""
    wanted = needs(act)
    if act.kind is not Kind.COMMAND:
        return "" if wanted is Names.NOTHING else "no allow rule speaks for it"
    if best >= wanted:
        return ""
    if wanted is Names.COMMAND and act.scope is Scope.PATHS:
        return ""  # who may write there may do this; that it cannot be undone is the matter of a gate
    if best is Names.NOTHING:
        return "no allow rule speaks for it"
    return "no allow rule names its program" if wanted is Names.PROGRAM else "no allow rule names what it does"


def outside_of(act: LocalAct, place: Place, lists: PermissionLists) -> tuple[PathUse, ...]:
    """The paths of an act that lie outside of the run's folders and that no rule speaks of. Programs are no such paths."""
    folders = (*place.roots, *lists.directories)
    return tuple(
        use
        for use in act.paths
        if use.use is not Use.EXECUTE
        and not surely_inside(use, folders, place)
        and not (
            _may_change(act, use, place, lists, Names.NOTHING, folders) if use.use in _CHANGES else _may_read(use, place, lists)
        )
    )


def _lacks_paths(act: LocalAct, place: Place, lists: PermissionLists, best: Names) -> str:
    folders = (*place.roots, *lists.directories)
    for use in act.paths:
        if use.use is Use.EXECUTE or (use.use in _CHANGES and _may_change(act, use, place, lists, best, folders)):
            continue
        if use.use in _CHANGES:
            return f"no Edit rule speaks for {use.real or use.path}"
        if not surely_inside(use, folders, place) and not _may_read(use, place, lists):
            return f"{use.real or use.path} lies outside of the run's folders, and no Read rule speaks for it"
    return ""


def _may_change(
    act: LocalAct, use: PathUse, place: Place, lists: PermissionLists, best: Names, folders: tuple[str, ...]
) -> bool:
    is_inside = surely_inside(use, folders, place)
    for rule in lists.allow:
        if rule.speaks is Speaks.PATH and rule.tool == "Edit" and covers(rule, use, place, lists.directories):
            return True
        if rule.speaks is Speaks.TOOL and is_inside and (rule.tool == "Edit" or (act.tool != "" and rule.tool == act.tool)):
            return True
    return act.kind is Kind.COMMAND and best is not Names.NOTHING and is_inside and _has_bare_shell(lists)


def _has_bare_shell(lists: PermissionLists) -> bool:
    return any(rule.speaks is Speaks.TOOL and rule.tool in SHELLS for rule in lists.allow)


def _may_read(use: PathUse, place: Place, lists: PermissionLists) -> bool:
    return any(
        rule.tool == "Read"
        and (rule.speaks is Speaks.TOOL or (rule.speaks is Speaks.PATH and covers(rule, use, place, lists.directories)))
        for rule in lists.allow
    )
