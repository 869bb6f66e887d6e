"""The table from reasons to what agents may know."""

import itertools

import pytest

from ringfence.core.explaining.rule_class import TEXTS, RuleClass, class_of, naming, text_of
from ringfence.core.model.verdict import Reason, ReasonCode


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("code", list(ReasonCode))
def test_every_reason_has_a_class_with_a_text(code: ReasonCode) -> None:
    assert TEXTS[class_of(code)]


def test_every_class_has_a_text_of_its_own() -> None:
    assert TEXTS.keys() == set(RuleClass)
    assert len(set(TEXTS.values())) == len(RuleClass)


@pytest.mark.parametrize("code", list(ReasonCode))
@pytest.mark.parametrize("hidden", [ReasonCode.UNKNOWN_TOOL, ReasonCode.NOT_EXPOSED])
def test_a_tool_that_does_not_exist_for_the_agent_has_no_other_fault(code: ReasonCode, hidden: ReasonCode) -> None:
    reasons = [Reason(code, "x", "detail"), Reason(hidden, "exposure", "secret name")]
    for order in itertools.permutations(reasons):
        rule = class_of(naming(order))
        assert rule is RuleClass.UNKNOWN_TOOL
        assert text_of(rule, order) == "unknown tool"


def test_details_are_told_for_arguments_only() -> None:
    for code in ReasonCode:
        reasons = [Reason(code, "x", "the detail")]
        assert ("the detail" in text_of(class_of(code), reasons)) == (code is ReasonCode.ARGUMENTS)


def test_a_refusal_without_reasons_says_that_nothing_was_sent() -> None:
    assert class_of(naming(())) is RuleClass.NOT_RECORDED
