"""Which files nobody may read: for those who look through a folder that a command reads as a whole."""

from __future__ import annotations

from collections.abc import Callable

from ringfence.core.model.local import PathUse, Place, Use
from ringfence.core.model.local_rules import LocalRules
from ringfence.core.model.permissions import PermissionLists, Speaks
from ringfence.core.permissions.paths import Fit, fit
from ringfence.core.permissions.secret_paths import secret_fit


def guarded_by(lists: PermissionLists | None, rules: LocalRules | None, place: Place) -> Callable[[str], bool]:
    """Whether an absolute path is one that a Read rule forbids or asks about, or that holds secrets."""
    strict = () if lists is None else tuple(
        rule for rule in (*lists.deny, *lists.ask) if rule.speaks is Speaks.PATH and rule.tool == "Read"
    )  # fmt: skip
    directories = () if lists is None else lists.directories
    more, fewer = (rules.secrets.deny, rules.secrets.allow) if rules is not None else ((), ())

    def is_guarded(path: str) -> bool:
        use = PathUse(use=Use.READ, path=path)
        if secret_fit(use, place, more, fewer) is not Fit.NONE:
            return True
        return any(fit(rule, use, place, directories) is not Fit.NONE for rule in strict)

    return is_guarded
