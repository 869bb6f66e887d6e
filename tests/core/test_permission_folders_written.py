"""A rule for all below a folder, and commands that are given the folder itself to write in."""

from __future__ import annotations

import pytest

from ringfence.core.model.local import PathUse, Place, Use
from ringfence.core.model.permissions import Listed, PermissionRule, Speaks
from ringfence.core.permissions.paths import Fit, fit

PLACE = Place(cwd="/p", roots=("/p",), home="/home/me")


def rule(pattern: str) -> PermissionRule:
    return PermissionRule(listed=Listed.DENY, text=f"Edit({pattern})", speaks=Speaks.PATH, tool="Edit", pattern=pattern)


@pytest.mark.parametrize("pattern", ["./kept/**", "/kept/**", "kept/**", "//p/kept/**"])
@pytest.mark.parametrize("is_there", [True, False])
def test_who_writes_in_a_folder_may_touch_what_a_rule_says_of_all_below_it(pattern: str, is_there: bool) -> None:
    use = PathUse(use=Use.WRITE, path="/p/kept", is_there=is_there, is_folder=is_there)
    assert fit(rule(pattern), use, PLACE) is Fit.SOME


@pytest.mark.parametrize(
    "use",
    [
        PathUse(use=Use.READ, path="/p/kept", is_there=True, is_folder=True),
        PathUse(use=Use.LIST, path="/p/kept", is_there=True, is_folder=True),
        PathUse(use=Use.WRITE, path="/p/kept", is_there=True),
        PathUse(use=Use.WRITE, path="/p", is_there=True, is_folder=True),
        PathUse(use=Use.WRITE, path="/p/other", is_there=True, is_folder=True),
        PathUse(use=Use.WRITE, path="/p/kept2"),
    ],
)
def test_a_rule_for_all_below_a_folder_says_nothing_of_its_neighbours_and_of_files(use: PathUse) -> None:
    assert fit(rule("./kept/**"), use, PLACE) is Fit.NONE


def test_a_rule_for_everything_of_the_project_is_as_it_was() -> None:
    use = PathUse(use=Use.WRITE, path="/p", is_there=True, is_folder=True)
    assert fit(rule("./**"), use, PLACE) is Fit.NONE
