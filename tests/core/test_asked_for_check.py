"""In an untrusted run a call whose words nobody has said asks, where its operator declared them; nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.core.flow_kit import AT, SELECTOR, UNTRUSTED, call, facts, flow, tool

from ringfence.core.approvals.card import origin_lines
from ringfence.core.checks.provenance import provenance
from ringfence.core.explaining.changes import Subject, smallest_change
from ringfence.core.flow.origins import origins
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.profile import Effect, ToolProfile
from ringfence.core.model.provenance import Flow, SourceKind
from ringfence.core.model.verdict import Gate, Level, ReasonCode, Verdict
from ringfence.core.model.words import Words

CALM = ToolProfile(effect=Effect.WRITE, outbound=False, said_as=("release", "lift ... isolation"))
HOST = {"host": "WS-2307"}


def judged(known: Flow | None, *, label: Label = UNTRUSTED, profile: ToolProfile = CALM, **more: Any) -> Verdict:
    return provenance(call(HOST), facts(tool({"/host": SELECTOR}, profile=profile, **more), known, label))


def test_an_object_that_the_task_names_is_not_released_where_it_only_says_to_look() -> None:
    verdict = judged(flow("Look at WS-2307 and say whether it is clean"))
    assert (verdict.level, verdict.gates) == (Level.ASK, (Gate(ReasonCode.PROVENANCE),))
    assert [reason.detail for reason in verdict.reasons] == [
        "the task does not ask for this: none of `release`, `lift ... isolation` is in the words"
    ]


@pytest.mark.parametrize("text", ["Release WS-2307", "Lift the isolation of WS-2307", "WS-2307 has to be released"])
def test_it_is_where_it_says_so(text: str) -> None:
    assert judged(flow(text)).level is Level.ALLOW


def test_it_is_not_where_it_says_no() -> None:
    assert judged(flow("Look at WS-2307, but do not release WS-2307. Tag WS-2307.")).level is Level.ASK


def test_later_words_and_those_of_runs_above_ask_as_well() -> None:
    said = (Words("Look at WS-2307", "operator:jo", AT), Words("now release it", "operator:ada", AT))
    assert judged(replace(flow("x"), words=said)).level is Level.ALLOW
    assert judged(replace(flow("x"), words=said[:1])).level is Level.ASK


def test_no_words_ask_for_nothing() -> None:
    known = flow(values=("WS-2307",))
    assert judged(known).level is Level.ASK


@pytest.mark.parametrize(
    ("label", "profile"),
    [
        (CLEAN, CALM),
        (UNTRUSTED, replace(CALM, said_as=())),
        (UNTRUSTED, replace(CALM, effect=Effect.READ)),
    ],
)
def test_nobody_looks_in_a_trusted_run_or_where_nothing_is_declared_or_at_a_read(label: Label, profile: ToolProfile) -> None:
    assert judged(flow("Look at WS-2307"), label=label, profile=profile).level is Level.ALLOW


def test_a_read_that_reaches_outside_is_looked_at() -> None:
    outside = replace(CALM, effect=Effect.READ, outbound=True)
    assert judged(flow("Look at WS-2307"), profile=outside).level is Level.ASK


def test_a_tool_without_authority_arguments_is_looked_at() -> None:
    bare = tool({}, profile=CALM)
    assert provenance(call({}), facts(bare, flow("Look around"), UNTRUSTED)).level is Level.ASK


def test_what_happens_is_what_the_agent_s_rules_say() -> None:
    refused = judged(flow("Look at WS-2307", underivable=Level.DENY))
    assert (refused.level, refused.gates) == (Level.DENY, ())
    assert judged(flow("Look at WS-2307", underivable=Level.ALLOW)).level is Level.ALLOW
    assert judged(None).level is Level.ALLOW


def test_its_origin_comes_before_those_of_values_and_says_why() -> None:
    found = origins(call(HOST), facts(tool({"/host": SELECTOR}, profile=CALM), flow("Look"), UNTRUSTED))
    assert [(one.pointer, one.kind) for one in found] == [("", SourceKind.UNASKED), ("/host", SourceKind.NOWHERE)]
    assert not found[0].is_derived


def test_the_card_says_it_first() -> None:
    found = origins(call(HOST), facts(tool({"/host": SELECTOR}, profile=CALM), flow("Look at WS-2307"), UNTRUSTED))
    first, second = origin_lines(found)
    assert first["where"].startswith("the task does not ask for this: none of `release`")
    assert (first["from"], first["derived"], second["pointer"], second["derived"]) == ("unasked", False, "/host", True)


def test_a_long_list_of_words_is_cut() -> None:
    (reason,) = judged(flow("Look at WS-2307"), profile=replace(CALM, said_as=tuple(f"verb{n}" for n in range(40)))).reasons
    assert "`verb4` (or 35 more) is in the words" in reason.detail


def test_the_change_that_would_help_is_to_ask_for_it() -> None:
    change = smallest_change(ReasonCode.PROVENANCE, Subject(agent="a", tool="edr.free", run="r_1", is_unasked=True))
    assert "ringfence run say r_1" in change.text
    assert change.path == 'tools."edr.free".said_as'
