"""Votes and groups: an approval counts for the gates that ask its group, and every gate needs its own quorum."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.approvals.approval import after_vote, closed_gates, still_needed
from ringfence.core.model.identifiers import OperatorName
from ringfence.core.model.ticket import Ticket, TicketState, Vote
from ringfence.core.model.verdict import Gate, ReasonCode
from ringfence.testing.contracts.samples import a_ticket

COSTS = Gate(ReasonCode.COSTS_MONEY)
FINANCE = Gate(ReasonCode.POLICY, 1, "finance")
TWO_OF_OPS = Gate(ReasonCode.POLICY, 2, "ops")


def ticket_with(*gates: Gate) -> Ticket:
    return replace(a_ticket(), gates=gates)


def vote(operator: str, *groups: str, approve: bool = True) -> Vote:
    return Vote(operator=OperatorName(operator), approve=approve, reason="", at=2000, groups=groups)


def after(ticket: Ticket, *votes: Vote) -> Ticket:
    for each in votes:
        outcome = after_vote(ticket, each)
        assert isinstance(outcome, Ticket), outcome
        ticket = outcome
    return ticket


@pytest.mark.requirement("I5")
def test_a_gate_of_a_group_is_opened_by_its_members_only() -> None:
    refused = after_vote(ticket_with(FINANCE), vote("eve", "ops"))
    assert refused == "the approval of eve would not count: it still needs 1 of finance"
    assert after(ticket_with(FINANCE), vote("ada", "finance")).state is TicketState.APPROVED


@pytest.mark.requirement("I5")
def test_every_gate_needs_its_own_quorum() -> None:
    ticket = after(ticket_with(COSTS, FINANCE, TWO_OF_OPS), vote("eve", "ops"))
    assert ticket.state is TicketState.PENDING
    assert still_needed(ticket) == "1 of ops, 1 of finance"
    ticket = after(ticket, vote("ada", "finance", "ops"))
    assert ticket.state is TicketState.APPROVED


def test_one_person_may_count_for_several_gates_but_once_for_each() -> None:
    assert after(ticket_with(COSTS, FINANCE), vote("ada", "finance")).state is TicketState.APPROVED
    ticket = after(ticket_with(TWO_OF_OPS), vote("eve", "ops"))
    assert after_vote(ticket, vote("eve", "ops")) == "eve has already decided on it"


def test_anybody_who_may_decide_may_deny() -> None:
    assert after(ticket_with(FINANCE), vote("eve", approve=False)).state is TicketState.DENIED


groups = st.lists(st.sampled_from(["finance", "ops"]), unique=True, max_size=2).map(tuple)
gates = st.lists(
    st.builds(Gate, st.just(ReasonCode.POLICY), st.integers(1, 3), st.sampled_from(["", "finance", "ops"])), max_size=4
).map(tuple)


@pytest.mark.requirement("I5")
@given(gates, st.lists(st.tuples(st.sampled_from("abcde"), groups), max_size=8))
def test_approved_means_that_every_gate_has_its_distinct_people(
    asked: tuple[Gate, ...], voters: list[tuple[str, tuple[str, ...]]]
) -> None:
    ticket = ticket_with(*asked)
    cast: dict[str, tuple[str, ...]] = {}
    for operator, member_of in voters:
        outcome = after_vote(ticket, vote(operator, *member_of))
        if isinstance(outcome, Ticket):
            ticket = outcome
            cast[operator] = member_of
    if ticket.state is TicketState.APPROVED:
        for gate in asked:
            assert sum(not gate.group or gate.group in member_of for member_of in cast.values()) >= gate.quorum
    elif cast:
        assert closed_gates(ticket)
