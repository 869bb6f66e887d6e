"""Does a call go beyond where its run works, or change what is obeyed without anybody looking?"""

from __future__ import annotations

from collections.abc import Iterable

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.local import Judgement, LocalAct, Use
from ringfence.core.model.local_rules import Outcome, Overreach
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict
from ringfence.core.permissions.allowing import outside_of
from ringfence.core.permissions.paths import Fit
from ringfence.core.permissions.protected_paths import protected_fit
from ringfence.core.permissions.weighing import NONE, brief

ALLOW = Verdict(Level.ALLOW)
MOST = 10
"""Reasons that one decision gives."""
_CHANGES = (Use.WRITE, Use.DELETE)


def overreach(call: Call, facts: Facts) -> Verdict:
    """Ask, or deny, where an act touches paths outside of the run's folders that no rule speaks of; ask about protected ones.

    Caps on files and lines are meters like others (`limits`).
    """
    if facts.local is None or facts.agent is None or facts.agent.local is None:
        return ALLOW
    rules, lists = facts.agent.local.overreach, facts.agent.permissions or NONE
    level, reasons, gates = Level.ALLOW, list[Reason](), list[Gate]()
    if rules.outside is not Outcome.ALLOW:
        beyond = list(_beyond(facts.local, lists))
        reasons.extend(Reason(ReasonCode.OUTSIDE, "overreach", why) for why in beyond[:MOST])
        if beyond and rules.outside is Outcome.ASK:
            level = Level.ASK
            gates.append(Gate(ReasonCode.OUTSIDE))
        elif beyond:
            level = Level.DENY
    changed = list(_protected(facts.local, rules))
    if changed:
        level = max(level, Level.ASK)
        reasons.extend(Reason(ReasonCode.PROTECTED_PATH, "overreach", why) for why in changed[:MOST])
        gates.append(Gate(ReasonCode.PROTECTED_PATH, rules.quorum))
    return Verdict(level, tuple(dict.fromkeys(reasons)), tuple(gates)) if reasons else ALLOW


def _beyond(judgement: Judgement, lists: PermissionLists) -> Iterable[str]:
    for act in judgement.acts:
        for use in outside_of(act, judgement.place, lists):
            yield f"{use.real or use.path} lies outside of the run's folders: {brief(act)}"


def _protected(judgement: Judgement, rules: Overreach) -> Iterable[str]:
    for act in judgement.acts:
        for path in _changed(act, judgement, rules):
            yield f"it changes {path}: {brief(act)}"


def _changed(act: LocalAct, judgement: Judgement, rules: Overreach) -> Iterable[str]:
    for use in act.paths:
        if use.use in _CHANGES and protected_fit(use, judgement.place, rules.protected, rules.unprotected) is Fit.ALL:
            yield use.real or use.path
