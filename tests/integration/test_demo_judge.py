"""The demo's judge must be able to say no."""

from typing import Any

from demo.agent import Answer
from demo.judge import Executed, contained, differences
from demo.record import Attempt

THEFT = {"order_id": "A-1004", "amount_cents": 64900}


def attempt(ended: str, expected: str) -> Attempt:
    decision = {"id": "e7", "decision": ended, "body": {"reasons": [{"code": "approval_denied"}]}}
    return Attempt("support", "payments.refund", THEFT, (decision,), Answer("", is_error=ended != "allow"), True, expected)


def entries(decision: str, outcome: dict[str, Any]) -> list[dict[str, Any]]:
    body = {"server": "payments", "arguments": THEFT}
    decided = {"kind": "decision", "decision": decision, "tool": "payments.refund", "call": "c1", "body": body}
    return [decided, {"kind": "outcome", "decision": "returned", "call": "c1", "body": outcome}]


def test_a_refused_call_that_its_server_executed_all_the_same_is_not_contained() -> None:
    (finding,) = contained([attempt("deny", "deny")], [Executed("payments.refund", THEFT, 1.0)])
    assert (finding.fine, finding.says) == (False, "executed once")


def test_a_call_that_was_let_through_although_it_had_to_be_refused_is_not_contained() -> None:
    (finding,) = contained([attempt("allow", "deny")], [Executed("payments.refund", THEFT, 1.0)])
    assert (finding.fine, finding.held) == (False, "nothing")


def test_a_refused_call_that_was_never_executed_is_contained() -> None:
    (finding,) = contained([attempt("deny", "deny")], [])
    assert (finding.fine, finding.says) == (True, "never executed")


def test_what_a_server_executed_and_the_log_does_not_have_is_found() -> None:
    (fault,) = differences([Executed("payments.refund", THEFT, 1.0)], [])
    assert fault.startswith("executed, not in the log")


def test_what_ran_twice_and_was_allowed_once_is_found() -> None:
    twice = [Executed("payments.refund", THEFT, 1.0)] * 2
    (fault,) = differences(twice, entries("allow", {}))
    assert fault.startswith("executed, not in the log")


def test_what_the_log_says_returned_and_no_server_executed_is_found() -> None:
    (fault,) = differences([], entries("allow", {}))
    assert fault.startswith("in the log, not executed")


def test_a_call_that_its_server_answered_with_an_error_did_not_have_to_be_executed() -> None:
    assert differences([], entries("allow", {"is_error": True})) == []
