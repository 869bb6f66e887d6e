"""Would a call read what is there to be secret, or put a secret where it does not belong?"""

from __future__ import annotations

from collections.abc import Iterable

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.local import LocalAct, PathUse, Place, Use
from ringfence.core.model.local_rules import Outcome, SecretRules
from ringfence.core.model.profile import Effect, Sensitivity
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict
from ringfence.core.permissions.paths import Fit
from ringfence.core.permissions.secret_paths import secret_fit
from ringfence.core.permissions.weighing import brief

ALLOW = Verdict(Level.ALLOW)
MOST = 10
"""Reasons that one decision gives."""
_OUTCOMES = {Outcome.ALLOW: Level.ALLOW, Outcome.ASK: Level.ASK, Outcome.DENY: Level.DENY}


def secret_files(call: Call, facts: Facts) -> Verdict:
    """Deny whatever reads, copies or moves a file that holds secrets; ask where it may be one, or comes along with a folder.

    And what the rules say of secrets in what would be written, sent or committed. No permission list allows any of it.
    """
    if facts.local is None or facts.agent is None:
        return ALLOW
    rules = facts.agent.local.secrets if facts.agent.local is not None else SecretRules()
    found: list[tuple[Level, ReasonCode, str]] = []
    for act in facts.local.acts:
        found.extend(_of_paths(act, facts.local.place, rules))
        if facts.agent.permissions is None and _shows_secrets(act):
            found.append((Level.ASK, ReasonCode.SECRET_FILE, f"it shows what is secret: {brief(act)}"))
    if facts.local.secrets and (level := _OUTCOMES[rules.contents]) is not Level.ALLOW:
        found.extend((level, ReasonCode.SECRET, secret) for secret in facts.local.secrets[:MOST])
    if not found:
        return ALLOW
    found.sort(key=lambda one: -one[0])
    reasons = dict.fromkeys(Reason(code, "secret_files", why) for _, code, why in found[:MOST])
    gates = dict.fromkeys(Gate(code) for level, code, _ in found if level is Level.ASK)
    return Verdict(found[0][0], tuple(reasons), tuple(gates))


def _of_paths(act: LocalAct, place: Place, rules: SecretRules) -> Iterable[tuple[Level, ReasonCode, str]]:
    for use in act.paths:
        if not _is_read(use):
            continue
        found = secret_fit(use, place, rules.deny, rules.allow)
        if found is not Fit.NONE:
            is_sure = found is Fit.ALL and not use.through and not _is_own_environment(use, act)
            level = Level.DENY if is_sure else Level.ASK
            word = "may read" if found is Fit.SOME else "reads"
            yield level, ReasonCode.SECRET_FILE, f"it {word} {use.real or use.path}: {brief(act)}"


def _is_read(use: PathUse) -> bool:
    """What is moved is read under its other name."""
    return use.use in (Use.READ, Use.EXECUTE) or (use.use is Use.DELETE and use.moved_to != "")


def _is_own_environment(use: PathUse, act: LocalAct) -> bool:
    """It shows its own variables (`env`), and names no file of another process."""
    return use.path.endswith("/environ") and not any("environ" in word for word in act.words)


def _shows_secrets(act: LocalAct) -> bool:
    return act.profile.effect is Effect.READ and act.profile.sensitivity is Sensitivity.REGULATED and act.is_known
