"""What permission lists make of a call: deny before ask before allow, over everything that the call does.

One act that a deny rule fits denies the call; else one that an ask rule fits, or that no rule speaks for, or that nobody can
decide, makes it wait for a person; it is allowed if every act is. Pure, total, and the order of rules means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ringfence.core.model.local import Doubt, Judgement, Kind, LocalAct
from ringfence.core.model.permissions import PermissionLists, PermissionRule, Speaks
from ringfence.core.model.verdict import Level, ReasonCode
from ringfence.core.permissions.allowing import spoken_for
from ringfence.core.permissions.commands import collapsed
from ringfence.core.permissions.forbidding import Hit, hits_of, whole_hits

NONE: Final = PermissionLists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What one act comes to."""

    act: LocalAct
    level: Level
    rule: PermissionRule | None = None
    """The rule that decided; None: none did."""
    code: ReasonCode = ReasonCode.PERMISSION
    why: str = ""
    """For people."""
    is_named: bool = False
    """An allow rule names it closely enough to answer for what cannot be undone, costs or knows no bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What a call comes to."""

    level: Level
    acts: tuple[Weight, ...]
    """In the order of the judgement's acts."""
    whole: tuple[Weight, ...] = ()
    """What speaks of the call as a whole: rules on compounds and arguments, doubts of the whole text."""

    @property
    def raised(self) -> tuple[Weight, ...]:
        """Everything that asks or denies."""
        return tuple(one for one in (*self.whole, *self.acts) if one.level is not Level.ALLOW)


def weigh(
    lists: PermissionLists | None,
    judgement: Judgement,
    arguments: Mapping[str, Any] | None = None,
    tool: str = "",
) -> Weighed:
    """What the lists make of a judged call. None: nobody wrote any, so that only doubts count.

    `arguments` and `tool` are those of the call, for rules on one argument (`Agent(model:opus)`).
    """
    given = NONE if lists is None else lists
    is_read = _is_read(given, judgement)
    acts = acts_of(lists, judgement)
    whole = tuple(_whole(judgement, given, arguments or {}, tool, is_read=is_read))
    level = max((one.level for one in (*acts, *whole)), default=Level.ALLOW)
    return Weighed(level=level, acts=acts, whole=whole)


@lru_cache(maxsize=64)
def acts_of(lists: PermissionLists | None, judgement: Judgement) -> tuple[Weight, ...]:
    """What each act comes to. Several checks of one decision ask."""
    given = NONE if lists is None else lists
    is_read = _is_read(given, judgement)
    return tuple(_weight(act, judgement, given, is_read=is_read, has_lists=lists is not None) for act in judgement.acts)


def _is_read(lists: PermissionLists, judgement: Judgement) -> bool:
    """Whether somebody has read exactly this text, so that nothing about it is in doubt for them."""
    return any(_is_text(rule, judgement) for rule in lists.allow)


def _is_text(rule: PermissionRule, judgement: Judgement) -> bool:
    """Whether an allow rule is the text of the whole call, letter for letter."""
    is_whole = rule.speaks is Speaks.COMMAND and "*" not in rule.pattern
    return is_whole and bool(judgement.text) and rule.pattern.strip() == judgement.text.strip()


def _weight(act: LocalAct, judgement: Judgement, lists: PermissionLists, *, is_read: bool, has_lists: bool) -> Weight:
    strictest = _strictest(hits_of(act, judgement, lists))
    spoken = spoken_for(act, judgement.place, lists, is_read=is_read)
    doubts = () if is_read else tuple(doubt for doubt in act.doubts if not spoken.lifts(doubt))
    if strictest is not None and (strictest.level is Level.DENY or not doubts):
        return Weight(act=act, level=strictest.level, rule=strictest.rule, why=f"{shown(strictest.rule)}: {strictest.why}")
    if doubts:
        return Weight(
            act=act, level=Level.ASK, code=ReasonCode.UNDECIDED, why=_said(act, doubts), rule=strictest and strictest.rule
        )
    if has_lists and spoken.lacks:
        return Weight(act=act, level=Level.ASK, rule=spoken.rule, why=f"{spoken.lacks}: {brief(act)}")
    why = f"{shown(spoken.rule)}: {brief(act)}" if spoken.rule else f"needs no rule: {brief(act)}"
    return Weight(act=act, level=Level.ALLOW, rule=spoken.rule, why=why, is_named=has_lists and spoken.is_named)


def _whole(
    judgement: Judgement, lists: PermissionLists, arguments: Mapping[str, Any], tool: str, *, is_read: bool
) -> Iterable[Weight]:
    line = collapsed(judgement.text)
    stand_in = (
        judgement.acts[0] if judgement.acts else LocalAct(kind=Kind.OTHER, text=line, tool=tool, profile=judgement.profile)
    )
    hit = _strictest(whole_hits(judgement, line, lists, arguments, tool or stand_in.tool))
    if hit is not None:
        yield Weight(act=stand_in, level=hit.level, rule=hit.rule, why=f"{shown(hit.rule)}: {hit.why}")
    if judgement.doubts and not is_read:
        yield Weight(act=stand_in, level=Level.ASK, code=ReasonCode.UNDECIDED, why=_said(None, judgement.doubts))
    if not judgement.acts and judgement.text and not judgement.doubts and not is_read:
        yield Weight(act=stand_in, level=Level.ASK, code=ReasonCode.UNDECIDED, why="nothing was found that it does")


def _strictest(hits: Iterable[Hit]) -> Hit | None:
    """The strictest; of several the first by its text, so that the order of the lists means nothing."""
    return min(hits, key=lambda hit: (-hit.level, hit.rule.text, hit.rule.source, hit.why), default=None)


def _said(act: LocalAct | None, doubts: tuple[Doubt, ...]) -> str:
    reasons = "; ".join(dict.fromkeys(doubt.why or doubt.kind.value for doubt in doubts[:4]))
    return f"nobody can decide what it does ({reasons})" + (f": {brief(act)}" if act is not None else "")


def shown(rule: PermissionRule) -> str:
    """A rule for people: what it says, and where it stands."""
    return f"{rule.listed.value} rule `{rule.text}`" + (f" ({rule.source})" if rule.source else "")


def brief(act: LocalAct) -> str:
    """An act in one line."""
    text = f"{act.tool}({act.text})" if act.kind is not Kind.COMMAND and act.tool else act.text or "a redirection"
    return text if len(text) <= 200 else text[:197] + "..."
