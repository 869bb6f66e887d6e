"""Narrowing never widens."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.model.condition import Condition, Operation
from ringfence.core.model.grant import EVERYTHING, Grant
from ringfence.core.model.identifiers import ToolId
from ringfence.core.narrowing.grants import admits, dropped, narrow

TOOLS = [ToolId(name) for name in ("orders.get", "orders.list", "payments.refund")]
POINTERS = ["/amount", "/to", "/flag"]

tools = st.sampled_from(TOOLS)
operands = st.one_of(st.integers(0, 5), st.sampled_from(["a", "b"]), st.booleans())
conditions = st.one_of(
    st.builds(Condition, st.sampled_from(POINTERS), st.sampled_from([o for o in Operation if o is not Operation.IN]), operands),
    st.builds(Condition, st.sampled_from(POINTERS), st.just(Operation.IN), st.lists(operands, max_size=3).map(tuple)),
)
numbers = st.none() | st.integers(0, 9)
grants = st.builds(
    Grant,
    tools=st.none() | st.frozensets(tools),
    bounds=st.dictionaries(tools, st.lists(conditions, max_size=3).map(tuple), max_size=3),
    calls=numbers,
    depth=numbers,
    until=numbers,
)
arguments = st.dictionaries(st.sampled_from(["amount", "to", "flag"]), operands, max_size=3)


def is_within(inner: int | None, outer: int | None) -> bool:
    return outer is None or (inner is not None and inner <= outer)


@pytest.mark.requirement("I11")
@given(grants, st.lists(grants, min_size=1, max_size=5), tools, arguments)
def test_no_sequence_of_narrowings_widens_anything(root: Grant, asked: list[Grant], tool: ToolId, said: dict[str, Any]) -> None:
    chain = [root]
    for wish in asked:
        chain.append(narrow(chain[-1], wish))
    for above, below in itertools.pairwise(chain):
        if not admits(below, tool, said):
            assert not admits(above, tool, said)
        assert is_within(below.calls, above.calls)
        assert is_within(below.until, above.until)
        assert above.depth is None or (below.depth is not None and below.depth <= max(0, above.depth - 1))


@given(grants, grants, tools, arguments)
def test_a_child_has_exactly_what_both_allow(parent: Grant, asked: Grant, tool: ToolId, said: dict[str, Any]) -> None:
    child_may = not admits(narrow(parent, asked), tool, said)
    assert child_may == (not admits(parent, tool, said) and not admits(asked, tool, said))


@given(grants, grants)
def test_the_order_of_conditions_does_not_depend_on_who_states_them(one: Grant, other: Grant) -> None:
    assert narrow(one, other).bounds == narrow(other, one).bounds


@given(grants)
def test_asking_for_everything_gives_what_the_parent_has(parent: Grant) -> None:
    child = narrow(parent, EVERYTHING)
    assert (child.tools, child.calls, child.until) == (parent.tools, parent.calls, parent.until)


def test_one_is_not_true() -> None:
    number = Grant(bounds={TOOLS[0]: (Condition("/flag", Operation.EQ, 1),)})
    truth = Grant(bounds={TOOLS[0]: (Condition("/flag", Operation.EQ, True),)})
    child = narrow(number, truth)
    assert len(child.bounds[TOOLS[0]]) == 2
    assert admits(child, TOOLS[0], {"flag": 1})
    assert admits(child, TOOLS[0], {"flag": True})


def test_what_did_not_come_along_is_said() -> None:
    asked = Grant(tools=frozenset(TOOLS), calls=10)
    given_ = narrow(Grant(tools=frozenset(TOOLS[:1]), calls=3), asked)
    assert dropped(asked, given_) == ("tools: orders.list, payments.refund", "calls: 3 instead of 10")
    assert dropped(given_, narrow(EVERYTHING, given_)) == ()


def test_a_refusal_names_the_condition() -> None:
    grant = Grant(tools=frozenset(TOOLS[:1]), bounds={TOOLS[0]: (Condition("/amount", Operation.LE, 50),)})
    assert admits(grant, TOOLS[2], {}) == "it was not given payments.refund"
    assert admits(grant, TOOLS[0], {"amount": 51}) == "it was given orders.get only where /amount <= 50"
    assert admits(grant, TOOLS[0], {}) != ""
    assert admits(grant, TOOLS[0], {"amount": 50}) == ""
