"""What the guards see of calls and refusals."""

from __future__ import annotations

from ringfence.core.framing import frame_unknown
from ringfence.core.model.deed import DeedKind
from ringfence.core.model.identifiers import AgentId, CallId, RunId
from ringfence.core.model.verdict import Reason, ReasonCode
from ringfence.core.own_tools.connecting import CONNECT
from ringfence.engine.deeds import UNKNOWN, refusal_of


def refused(name: str, *codes: ReasonCode) -> object:
    call = frame_unknown(CallId("c_1"), AgentId("support"), RunId("r_1"), name, {"n": 1})
    deed = refusal_of(call, None, tuple(Reason(code, "check") for code in codes), 1000)
    return None if deed is None else (deed.kind, deed.what, deed.failed)


def test_a_refusal_counts_as_a_failure_under_no_name_that_an_agent_made_up() -> None:
    assert refused("ignore__this", ReasonCode.UNKNOWN_TOOL) == (DeedKind.TOOL, UNKNOWN, True)


def test_a_refusal_after_which_it_is_right_to_ask_again_or_nothing_can_be_done_does_not_count() -> None:
    for code in (
        ReasonCode.PAUSED, ReasonCode.KILLED, ReasonCode.RUN_EXPIRED, ReasonCode.CREDENTIAL, ReasonCode.RATE_LIMIT,
        ReasonCode.CONCURRENCY, ReasonCode.APPROVAL_DENIED, ReasonCode.APPROVAL_EXPIRED, ReasonCode.UPSTREAM_UNAVAILABLE,
        ReasonCode.NOT_RECORDED, ReasonCode.STOP_CONDITION,
    ):  # fmt: skip
        assert refused("orders__get", code) is None


def test_ways_out_of_a_box_are_not_counted_since_programs_knock_at_many_doors() -> None:
    assert refused(CONNECT, ReasonCode.HOST) is None
