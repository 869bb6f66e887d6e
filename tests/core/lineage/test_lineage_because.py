"""Why a decision turned on where things came from, in words."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.lineage.lineage_kit import BOTH, INTERNAL, OUTWARD, UNTRUSTED, decision, entry, origin, outcome, reasons, story
from tests.effort import examples

from ringfence.core.lineage.because import because

TOOLS = {"e4": "tickets.get", "e6": "crm.read"}


def asked() -> dict[str, Any]:
    return next(one for one in story() if one["seq"] == 22)


def test_it_names_the_argument_where_its_value_came_from_and_the_reads_that_tainted_the_run() -> None:
    found = because(asked(), story())
    assert found is not None
    assert found.sentences(TOOLS) == [
        "Its argument /to came only from e4 (what tickets.get returned, at /content/0/text, line 6).",
        "Its argument /account came only from e6 (crm.read).",
        "Its argument /cc was seen nowhere.",
        "The run was untrusted since e4 (tickets.get at 08:00:16 UTC).",
        "It held confidential data since e6 (crm.read at 08:00:24 UTC).",
    ]


def test_what_somebody_answered_for_is_no_reason_any_more() -> None:
    earlier = [
        decision(1, "web.get", body={"brings": UNTRUSTED}),
        entry(2, "control", {"label_after": INTERNAL}),
        decision(3, "mail.read", body={"brings": UNTRUSTED}),
    ]
    found = because(decision(9, "mail.send", "ask", {**OUTWARD, "label": UNTRUSTED}), earlier)
    assert found is not None
    assert found.sentences({}) == ["The run was untrusted since e3 (mail.read at 08:00:12 UTC)."]


def test_the_error_that_raised_the_label_is_named_even_without_its_decision() -> None:
    failed = outcome(2, 1, {"label": UNTRUSTED, "failed": True}, tool="crm.read")
    found = because(decision(9, "mail.send", "ask", {**OUTWARD, "label": UNTRUSTED}), [failed])
    assert found is not None
    assert found.sentences({}) == ["The run was untrusted since e2 (crm.read at 08:00:08 UTC)."]


def test_what_came_along_from_before_is_told_as_such() -> None:
    found = because(decision(9, "mail.send", "ask", {**OUTWARD, "label": BOTH}), [])
    assert found is not None
    assert found.sentences({}) == [
        "The run was untrusted, which it had from before its own calls.",
        "It held confidential data, which it had from before its own calls.",
    ]


def test_of_many_arguments_only_some_are_told_and_the_rest_is_counted() -> None:
    many = [origin(f"/to/{number}", "target", "nowhere") for number in range(9)]
    found = because(decision(1, "mail.send", "ask", {**OUTWARD, "reasons": reasons("provenance"), "origins": many}), [])
    assert found is not None
    assert found.sentences({})[-1] == "4 more of its arguments came from no trusted source either."


@settings(max_examples=examples(100), deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["seq", "kind", "body", "run"]), st.none() | st.integers() | st.text()) | st.none()
    )
)
def test_whatever_stands_in_the_log_before_it_is_read_without_an_error(earlier: list[Any]) -> None:
    assert because(asked(), earlier) is not None
    assert because({"kind": "outcome", "seq": 1}, earlier) is None
