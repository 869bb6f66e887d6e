"""Which deny and ask rules fit an act, by whatever means it does what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.core.model.local import Judgement, Kind, LocalAct, PathUse, Use
from ringfence.core.model.permissions import LEVELS, PermissionLists, PermissionRule, Speaks
from ringfence.core.model.profile import Effect
from ringfence.core.model.verdict import Level
from ringfence.core.permissions.commands import Spelt, collapsed, fits_line, spell, strictly
from ringfence.core.permissions.globs import fits_text
from ringfence.core.permissions.outputs import outputs
from ringfence.core.permissions.paths import Fit, fit, goes_below, name_of
from ringfence.core.permissions.reading import SHELLS, is_compound
from ringfence.core.permissions.same_harm import is_about_removal, removal
from ringfence.core.permissions.statements import is_about_sql, runs

_CHANGES: Final = frozenset({Use.WRITE, Use.DELETE})
_TOUCHES: Final = frozenset({Use.READ, Use.WRITE, Use.DELETE, Use.EXECUTE})


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fits."""

    rule: PermissionRule
    level: Level
    why: str


def hits_of(act: LocalAct, judgement: Judgement, lists: PermissionLists) -> Iterable[Hit]:
    """Every deny and ask rule that fits an act."""
    spelt = spell(act)
    for rule in (*lists.deny, *lists.ask):
        level = LEVELS[rule.listed]
        match rule.speaks:
            case Speaks.TOOL:
                if why := _tool(rule, act):
                    yield Hit(rule, level, why)
            case Speaks.COMMAND:
                yield from _command(rule, act, spelt, judgement, lists)
            case Speaks.PATH:
                yield from _paths(rule, act, judgement, lists, level)
            case Speaks.DOMAIN:
                yield from _hosts(rule, act, level)
            case Speaks.NAME:
                if act.tool == rule.tool and fits_text(rule.pattern, act.text):
                    yield Hit(rule, level, act.text)
            case Speaks.PARAMETER | Speaks.STATEMENT:
                pass


def whole_hits(
    judgement: Judgement, line: str, lists: PermissionLists, arguments: Mapping[str, Any], tool: str
) -> Iterable[Hit]:
    """Rules that speak of a call as a whole: of several commands in one text, or of one argument."""
    for rule in (*lists.deny, *lists.ask):
        if rule.speaks is Speaks.COMMAND and judgement.text and is_compound(rule.pattern):
            texts = {line, *map(collapsed, judgement.text.splitlines())}
            if any(fits_line(rule.pattern, text) for text in texts):
                yield Hit(rule, LEVELS[rule.listed], line[:200])
        elif rule.speaks is Speaks.PARAMETER and tool == rule.tool and argument_fits(rule, arguments):
            yield Hit(rule, LEVELS[rule.listed], f"{rule.parameter} is {_scalar(arguments[rule.parameter])[:80]}")


def argument_fits(rule: PermissionRule, arguments: Mapping[str, Any]) -> bool:
    """Whether a call has the argument that a rule is about, with such a value."""
    return rule.parameter in arguments and fits_text(rule.pattern, _scalar(arguments[rule.parameter]))


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _tool(rule: PermissionRule, act: LocalAct) -> str:
    """Whether a rule on a whole tool fits: `Edit` and `Read` mean files, by whatever tool they are touched."""
    if act.tool and names_tool(rule.tool, act.tool):
        return f"every call of {act.tool}"
    if rule.tool in SHELLS and act.kind is Kind.COMMAND:
        return "every command"
    if rule.tool == "Edit" and any(use.use in _CHANGES for use in act.paths):
        return "it changes files"
    if rule.tool == "Read" and any(use.use is Use.READ for use in act.paths):
        return "it reads files"
    return ""


def names_tool(pattern: str, tool: str) -> bool:
    """Whether a rule's tool is this one: by its name, by a glob, or by the server of an MCP tool."""
    if pattern == tool or ("*" in pattern and fits_text(pattern, tool)):
        return True
    return pattern.startswith("mcp__") and pattern.count("__") == 1 and tool.startswith(pattern + "__")


def _command(rule: PermissionRule, act: LocalAct, spelt: Spelt, judgement: Judgement, lists: PermissionLists) -> Iterable[Hit]:
    level = LEVELS[rule.listed]
    if act.kind is not Kind.COMMAND or is_compound(rule.pattern):
        return
    if is_about_sql(rule.pattern):
        if runs(rule.pattern, act):
            yield Hit(rule, level, f"it runs {act.statements[0]}")
        elif not act.statements and _may_run_anything(act) and strictly(rule.pattern, spelt):
            yield Hit(rule, level, act.text[:200])
        return
    if strictly(rule.pattern, spelt):
        yield Hit(rule, level, act.text[:200] or "a redirection")
    elif is_about_removal(rule):
        found, why = removal(act, judgement.place, lists.directories, level)
        if found is not Level.ALLOW:
            yield Hit(rule, found, why)


def _may_run_anything(act: LocalAct) -> bool:
    """Whether a text among its words may reach a database: words for people and patterns to search for do not."""
    profile = act.profile
    is_large = not profile.reversible or not profile.bounded or profile.outbound or profile.costs_money
    return bool(act.doubts) or not act.is_known or (profile.effect is Effect.WRITE and is_large)


def _paths(rule: PermissionRule, act: LocalAct, judgement: Judgement, lists: PermissionLists, level: Level) -> Iterable[Hit]:
    wanted = _CHANGES if rule.tool == "Edit" else _TOUCHES
    for use in act.paths:
        if use.use not in wanted:
            continue
        made = _level(fit(rule, use, judgement.place, lists.directories), use, rule, level)
        if use.through:
            made = min(made, Level.ASK)  # nobody named it: it lies in a folder that somebody named
        if made is not Level.ALLOW:
            yield Hit(rule, made, f"it {_VERBS[use.use]} {use.real or use.path}")
    for use in outputs(act, judgement.place) if rule.tool == "Edit" else ():
        if fit(rule, use, judgement.place, lists.directories) is Fit.ALL:
            yield Hit(rule, min(level, Level.ASK), f"it may write {use.path}")


def _level(found: Fit, use: PathUse, rule: PermissionRule, level: Level) -> Level:
    if found is Fit.ALL:
        return level
    if found is Fit.NONE:
        return Level.ALLOW
    if goes_below(use) and not use.is_pattern:
        if use.use in (Use.READ, Use.EXECUTE) and use.real:
            return Level.ALLOW  # somebody has looked, and named what lies there that a rule is about
        if name_of(rule.pattern) is not None and rule.tool == "Read":
            return Level.ALLOW  # such a name may be anywhere, or nowhere, and nothing is read
    return min(level, Level.ASK)


_VERBS: Final = {
    Use.LIST: "lists",
    Use.READ: "reads",
    Use.WRITE: "writes",
    Use.DELETE: "removes",
    Use.EXECUTE: "runs",
}


def _hosts(rule: PermissionRule, act: LocalAct, level: Level) -> Iterable[Hit]:
    for host in act.hosts:
        if host == "?":
            # A command that reaches who knows whom needs a rule that names it; a search has no host of its own.
            if act.tool == rule.tool:
                yield Hit(rule, min(level, Level.ASK), "nobody knows which host it reaches")
        elif fits_host(rule.pattern, host):
            yield Hit(rule, level, f"it reaches {host}")


def fits_host(pattern: str, host: str) -> bool:
    """Whether a host is meant: itself, `*.b.example` for what lies below, `c.*` for one more label."""
    name = host.rstrip(".").lower()
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and len(name) > len(pattern) - 1
    if pattern.endswith(".*"):
        return name.startswith(pattern[:-1]) and "." not in name[len(pattern) - 1 :] and len(name) >= len(pattern)
    return name == pattern
