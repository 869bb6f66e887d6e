"""What must hold of every decision, whatever the call and whatever is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.reference_model import decide_slowly
from tests.core.strategies import situations
from tests.effort import examples

from ringfence.core.decision import CHECKS, decide, join
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.profile import ToolProfile
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.model.verdict import Decision, Gate, Level, Reason, ReasonCode, Verdict

verdicts = st.builds(
    Verdict,
    st.sampled_from(Level),
    st.lists(st.builds(Reason, st.sampled_from(ReasonCode), st.sampled_from(["a", "b"])), max_size=3).map(tuple),
    st.lists(st.builds(Gate, st.sampled_from(ReasonCode), st.integers(1, 2)), max_size=2).map(tuple),
)


@pytest.mark.requirement("I16")
@given(verdicts, verdicts, verdicts)
def test_the_join_is_associative_commutative_and_idempotent(a: Verdict, b: Verdict, c: Verdict) -> None:
    assert join([join([a, b]), c]) == join([a, join([b, c])])
    assert join([a, b]) == join([b, a])
    assert join([join([a]), join([a])]) == join([a])
    assert join([a, b]).level == max(a.level, b.level)


@pytest.mark.requirement("I16")
@settings(max_examples=examples(600))
@given(situations())
def test_the_fast_path_agrees_with_the_reference_model(situation: tuple[Call, Facts]) -> None:
    call, facts = situation
    decision = decide(call, facts)
    level, codes = decide_slowly(call, facts)
    assert decision.level is level
    assert {reason.code.value for reason in decision.reasons} == codes


@pytest.mark.requirement("I16")
@given(situations(), verdicts)
def test_adding_a_check_never_widens(situation: tuple[Call, Facts], extra: Verdict) -> None:
    call, facts = situation
    before = decide(call, facts)
    after = decide(call, facts, (*CHECKS, lambda _call, _facts: extra))
    assert after.level >= before.level


@given(situations())
def test_deciding_twice_gives_the_same_answer(situation: tuple[Call, Facts]) -> None:
    call, facts = situation
    assert decide(call, facts) == decide(call, facts)


@pytest.mark.requirement("I16")
@given(situations())
def test_an_unknown_tool_or_an_unknown_agent_is_denied(situation: tuple[Call, Facts]) -> None:
    call, facts = situation
    assert decide(call, replace(facts, tool=None)).level is Level.DENY
    assert decide(call, replace(facts, agent=None)).level is Level.DENY


@pytest.mark.requirement("I16")
@given(situations())
def test_a_tool_that_nobody_described_is_never_just_allowed(situation: tuple[Call, Facts]) -> None:
    call, facts = situation
    if facts.tool is None:
        return
    unknown = replace(facts, tool=replace(facts.tool, profile=ToolProfile(), conditional=()), ticket=None)
    assert decide(call, unknown).level is not Level.ALLOW


@pytest.mark.requirement("I5")
@given(situations())
def test_only_an_approved_unexpired_ticket_of_this_very_call_opens_a_gate(situation: tuple[Call, Facts]) -> None:
    call, facts = situation
    decision = decide(call, facts)
    if decision.consumes is None:
        return
    ticket = facts.ticket
    assert isinstance(ticket, Ticket)
    assert decision.level is Level.ALLOW
    assert ticket.id == decision.consumes
    assert ticket.digest == call.digest
    assert ticket.state is TicketState.APPROVED
    assert facts.now < ticket.expires_at


@pytest.mark.requirement("I5")
@given(situations())
def test_a_gate_that_was_not_on_the_card_stays_closed(situation: tuple[Call, Facts]) -> None:
    call, facts = situation
    if facts.ticket is None or facts.ticket.state is not TicketState.APPROVED:
        return
    narrowed = replace(facts, ticket=replace(facts.ticket, gates=()))
    decision: Decision = decide(call, narrowed)
    assert decision.consumes is None


@pytest.mark.requirement("I6")
@given(situations())
def test_nothing_passes_a_stop(situation: tuple[Call, Facts]) -> None:
    call, facts = situation
    if facts.stops:
        assert decide(call, facts).level >= Level.DENY
