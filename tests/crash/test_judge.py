"""The judge of the crash campaign finds what it is there to find: forged evidence of every fault."""

from typing import Any

import pytest
from tests.crash.cases import CANNOT_OCCUR, Kind, every_case
from tests.crash.judge import (
    key_of,
    label_faults,
    open_ends,
    results_without_outcome,
    returned_without_execution,
    said_not_sent,
    stop_faults,
    ticket_faults,
    too_often,
    without_entry,
)

from ringfence.engine.steps import Step
from ringfence.testing.crashing import STORE_POINTS

PAID = ("pay", {"who": "a", "n": 1})


def decision(seq: int, call: str, ticket: str | None = None, level: str = "allow", **arguments: Any) -> dict[str, Any]:
    body = {"upstream_name": "pay", "arguments": arguments or dict(PAID[1]), **({"ticket": ticket} if ticket else {})}
    return {"seq": seq, "kind": "decision", "decision": level, "call": call, "by": "agent:a", "body": body}


def outcome(seq: int, call: str, state: str = "returned") -> dict[str, Any]:
    return {"seq": seq, "kind": "outcome", "decision": state, "call": call, "by": "gateway", "body": {}}


def vote(seq: int, ticket: str, by: str = "bob") -> dict[str, Any]:
    body = {"ticket": ticket}
    return {"seq": seq, "kind": "approval", "decision": "approved", "call": "c0", "by": f"operator:{by}", "body": body}


def kill(seq: int, stop: str) -> dict[str, Any]:
    return {"seq": seq, "kind": "control", "decision": "kill", "call": None, "by": "operator:ada", "body": {"stop": stop}}


def ticket(state: str, *voters: str) -> dict[str, Any]:
    return {"state": state, "votes": [{"operator": name, "decision": "approve"} for name in voters]}


def test_an_execution_without_its_entry_is_found() -> None:
    assert without_entry([PAID], []) == [key_of(*PAID)]
    assert without_entry([PAID], [decision(0, "c", level="ask")])
    assert without_entry([PAID], [decision(0, "c", who="a", n=2)])
    assert not without_entry([("pay", {"n": 1, "who": "a"})], [decision(0, "c")])


def test_one_entry_answers_for_one_execution() -> None:
    assert len(without_entry([PAID, PAID], [decision(0, "c")])) == 1


def test_a_second_execution_is_found() -> None:
    assert too_often([PAID, PAID], {key_of(*PAID): 1})
    assert too_often([PAID], {})
    assert not too_often([PAID], {key_of(*PAID): 1})


def test_an_open_hold_a_second_outcome_and_a_gap_are_found() -> None:
    assert open_ends([decision(0, "c")])
    assert open_ends([decision(0, "c"), outcome(1, "c"), outcome(2, "c")])
    assert open_ends([outcome(0, "c")])
    assert open_ends([decision(0, "c"), outcome(2, "c")])
    assert not open_ends([decision(0, "c"), outcome(1, "c")])


def test_an_executed_call_that_is_called_not_sent_is_found() -> None:
    assert said_not_sent([PAID], [decision(0, "c"), outcome(1, "c", "failed_not_sent")])
    assert not said_not_sent([PAID], [decision(0, "c"), outcome(1, "c", "ambiguous")])


def test_a_call_that_is_called_returned_and_was_never_executed_is_found() -> None:
    assert returned_without_execution([], [decision(0, "c"), outcome(1, "c")])
    assert not returned_without_execution([PAID], [decision(0, "c"), outcome(1, "c")])
    assert not returned_without_execution([], [decision(0, "c"), outcome(1, "c", "ambiguous")])


def test_a_result_that_the_log_does_not_know_is_found() -> None:
    assert results_without_outcome([PAID], [decision(0, "c"), outcome(1, "c", "ambiguous")])
    assert not results_without_outcome([PAID], [decision(0, "c"), outcome(1, "c")])


@pytest.mark.parametrize(
    ("view", "log"),
    [
        (None, []),
        (ticket("pending"), []),
        (ticket("approved"), [vote(0, "t")]),
        (ticket("approved", "bob"), []),
        (ticket("approved", "bob"), [vote(0, "t", "cy")]),
        (ticket("approved", "bob"), [vote(0, "t"), decision(1, "c", "t")]),
        (ticket("consumed", "bob"), [vote(0, "t")]),
        (ticket("consumed", "bob"), [vote(0, "t"), decision(1, "c", "t"), decision(2, "d", "t")]),
    ],
    ids=[
        "gone",
        "old state",
        "lost vote",
        "vote nobody logged",
        "other vote",
        "used, not consumed",
        "consumed, not used",
        "used twice",
    ],
)
def test_a_lost_or_impossible_ticket_is_found(view: dict[str, Any] | None, log: list[dict[str, Any]]) -> None:
    assert ticket_faults("t", view, frozenset({"approved", "consumed"}), log)


def test_a_ticket_that_the_log_knows_is_none() -> None:
    may_be = frozenset({"approved", "consumed"})
    assert not ticket_faults("t", ticket("approved", "bob"), may_be, [vote(0, "t")])
    assert not ticket_faults("t", ticket("consumed", "bob"), may_be, [vote(0, "t"), decision(1, "c", "t")])


def test_a_lost_kill_is_found() -> None:
    assert stop_faults("s", [], [kill(0, "s")])
    assert stop_faults(None, ["s"], [])
    assert stop_faults(None, [], [kill(0, "s")])
    assert not stop_faults("s", ["s"], [kill(0, "s")])
    assert not stop_faults(None, [], [])


def test_a_lost_label_is_found() -> None:
    clean, secret = ({"integrity": "trusted", "confidentiality": level} for level in ("public", "confidential"))
    assert label_faults([PAID], clean, "public")
    assert label_faults([PAID], {**secret, "integrity": "untrusted"}, "regulated")
    assert not label_faults([PAID], {**secret, "integrity": "untrusted"}, "confidential")
    assert not label_faults([], clean, "regulated")


def test_every_point_of_every_kind_is_driven_or_has_a_reason() -> None:
    driven = {(case.kind, case.point) for case in every_case()}
    for kind in Kind:
        assert {Step(point) for of, point in driven if of is kind and point not in STORE_POINTS} == set(Step) - set(
            CANNOT_OCCUR[kind]
        )
        assert {point for of, point in driven if of is kind} >= set(STORE_POINTS)
        assert all(CANNOT_OCCUR[kind].values())
    assert {point for _, point in driven} == {*Step, *STORE_POINTS}
