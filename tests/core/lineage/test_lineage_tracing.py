"""A run's entries become one story: what it read, what that raised, what was tried after it, and what came of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.lineage.lineage_kit import BOTH, INTERNAL, OUTWARD, UNTRUSTED, decision, entry, origin, outcome, reasons, story
from tests.effort import examples

from ringfence.core.lineage.document import document
from ringfence.core.lineage.events import EventKind, Fate
from ringfence.core.lineage.telling import summary
from ringfence.core.lineage.tracer import MOST_EVENTS, trace


def test_the_first_untrusted_and_the_first_confidential_read_are_named() -> None:
    told = trace(story(), "r_1")
    assert (told.first_untrusted, told.first_confidential) == ("e4", "e6")


def test_asking_refusing_and_trying_again_is_one_act() -> None:
    acts = trace(story(), "r_1").acts
    assert [(act.entries, act.fate) for act in acts] == [
        (("e20",), Fate.EXECUTED),
        (("e22", "e24"), Fate.REFUSED),
        (("e26",), Fate.EXECUTED),
        (("e28",), Fate.DENIED),
    ]
    assert acts[1].by == "ada"


def test_each_argument_that_came_from_an_answer_is_an_edge() -> None:
    edges = [(edge.source, edge.effect, edge.pointer, edge.trusted) for edge in trace(story(), "r_1").edges]
    assert edges == [
        ("e2", "e20", "/amount", True),
        ("e4", "e22", "/to", False),
        ("e6", "e22", "/account", False),
        ("e6", "e26", "/channel", False),
        ("e26", "e28", "/url", False),
    ]


def test_the_story_is_told_in_plain_sentences() -> None:
    assert summary(trace(story(), "r_1")) == (
        "First untrusted content: e4 (tickets.get) at 08:00:16 UTC; since then untrusted.",
        "First confidential data: e6 (crm.read) at 08:00:24 UTC, confidential.",
        "The scan marked what came back in e4 (tickets.get): orders-a-model at /content/0/text.",
        "While it was untrusted, 4 calls that change or send were tried:"
        " 2 executed, 1 refused by a person, 1 denied by a rule.",
        "e22 (mail.send) asked a person because /to came only from e4 and /account came only from e6 and /cc was seen nowhere;"
        " it was denied by ada.",
        "e26 (posts.add) was executed without a question, although /channel came only from e6.",
        "e28 (web.fetch) was denied by a rule because /url came only from e26.",
        "ada: kill of run r_1 at 08:01:56 UTC (e29).",
        "Executed with a deciding argument from what it had read: 1, as told above.",
        "What calls carry along as content is not followed.",
    )


def test_nothing_is_said_to_have_stayed_inside_where_nobody_wrote_down_where_arguments_came_from() -> None:
    told = summary(trace([decision(1, "mail.send", body={**OUTWARD, "label": UNTRUSTED}), outcome(2, 1)], "r_1"))
    assert "Executed with no record of where the arguments came from: 1." in told


def test_where_nothing_was_executed_the_summary_says_that_nothing_left() -> None:
    told = summary(trace([decision(1, "web.get", body={"brings": UNTRUSTED}), outcome(2, 1), _asked(3)], "r_1"))
    assert told[-1] == "Nothing left: no call that changes or sends something was executed while it was untrusted."


def _asked(seq: int) -> dict[str, Any]:
    body = {
        **OUTWARD,
        "label": UNTRUSTED,
        "ticket": "t_1",
        "reasons": reasons("provenance"),
        "origins": [origin("/to", "target", "nowhere")],
    }
    return decision(seq, "mail.send", "ask", body)


def test_an_endorsement_ends_what_was_untrusted() -> None:
    told = trace(
        [
            decision(1, "web.get", body={"brings": UNTRUSTED}),
            outcome(2, 1),
            entry(
                3, "control", {"label_before": UNTRUSTED, "label_after": INTERNAL}, by="operator:ada", summary="endorsed r_1"
            ),
            decision(4, "mail.send", body={**OUTWARD, "label": INTERNAL}),
        ],
        "r_1",
    )
    assert summary(told)[0] == (
        "First untrusted content: e1 (web.get) at 08:00:04 UTC; untrusted until ada answered for it (e3 at 08:00:12 UTC)."
    )
    assert told.acts == ()


def test_an_error_that_raised_the_label_counts_as_a_read() -> None:
    told = trace([decision(1, "crm.read"), outcome(2, 1, {"label": UNTRUSTED, "failed": True})], "r_1")
    assert told.first_untrusted == "e1"


def test_child_runs_come_along_unless_they_are_not_wanted() -> None:
    child = entry(2, "run", {"task": "look", "parent": "r_1"}, run="r_2")
    entries = [entry(1, "run", {"task": "all"}), child, decision(3, "web.get", body={"brings": UNTRUSTED}, run="r_2")]
    whole, alone = trace(entries, "r_1"), trace(entries, "r_1", subtree=False)
    assert (whole.runs, whole.first_untrusted) == (("r_1", "r_2"), "e3")
    assert "in the child run r_2" in summary(whole)[0]
    assert (alone.runs, alone.first_untrusted) == (("r_1",), None)


def test_what_a_child_has_from_above_is_told_as_such() -> None:
    told = trace([decision(1, "orders.get", body={"label": UNTRUSTED})], "r_1")
    assert summary(told)[0].startswith("The run was untrusted from its first call")


def test_stops_of_others_and_stops_after_the_end_are_not_part_of_it() -> None:
    def kill(seq: int, target: str) -> dict[str, Any]:
        return entry(seq, "control", {"stop": f"s{seq}", "scope": {"kind": "run", "target": target}}, run=None, decision="kill")

    entries = [entry(1, "run", {"task": "x"}), kill(2, "r_9"), kill(3, "r_1"), entry(4, "run", {"why": "done"}), kill(5, "r_1")]
    stops = [event.entry for event in trace(entries, "r_1").events if event.kind is EventKind.STOP]
    assert stops == ["e3"]


def test_only_stops_of_tools_and_servers_that_the_run_used_are_part_of_it() -> None:
    def disable(seq: int, kind: str, target: str) -> dict[str, Any]:
        return entry(seq, "control", {"scope": {"kind": kind, "target": target}}, run=None, decision="disable")

    entries = [
        decision(1, "mail.send"),
        disable(2, "tool", "mail.send"),
        disable(3, "tool", "mail.read"),
        disable(4, "server", "mail"),
        disable(5, "server", "files"),
        entry(6, "control", {"calls": 5}, summary="budget raised"),
    ]
    told = trace(entries, "r_1").events
    assert [(event.entry, event.kind) for event in told[1:]] == [
        ("e2", EventKind.STOP),
        ("e4", EventKind.STOP),
        ("e6", EventKind.OTHER),
    ]


def test_what_a_child_handed_over_leads_to_where_its_parent_took_it() -> None:
    hands = {**OUTWARD, "label": UNTRUSTED, "arguments": {"result": {"n": 1}}}
    entries = [
        entry(1, "run", {"task": "all"}),
        entry(2, "run", {"task": "look", "parent": "r_1"}, run="r_2"),
        decision(3, "ringfence.handoff", body=hands, run="r_2"),
        decision(4, "ringfence.handoff", body={**OUTWARD, "brings": UNTRUSTED, "arguments": {"from": "r_2"}}),
    ]
    told = trace(entries, "r_1")
    assert [(edge.source, edge.effect, edge.trusted) for edge in told.edges] == [("e3", "e4", False)]
    assert [event.takes_from for event in told.events if event.kind is EventKind.HANDOFF] == ["", "r_2"]
    assert told.first_untrusted == "e4"
    assert told.acts == ()


def test_a_run_of_any_length_is_bounded_and_says_what_was_left_out() -> None:
    reads = [decision(seq, "orders.get") for seq in range(MOST_EVENTS + 50)]
    last = decision(MOST_EVENTS + 50, "mail.send", body={**OUTWARD, "label": UNTRUSTED})
    told = trace([*reads, last], "r_1")
    assert (len(told.events), told.left_out) == (MOST_EVENTS, 51)
    assert told.events[-1].what == "mail.send"


_LABELS = st.sampled_from([None, INTERNAL, UNTRUSTED, BOTH])
_CALLS = st.tuples(
    st.sampled_from(["read", "write"]),
    _LABELS,
    st.sampled_from(["allow", "ask", "deny"]),
    st.sampled_from([None, "t_1", "t_2"]),
    st.sampled_from([None, "returned", "ambiguous", "failed_not_sent"]),
)


@pytest.mark.requirement("I10")
@settings(max_examples=examples(200), deadline=None)
@given(st.lists(_CALLS, max_size=40))
def test_every_effect_after_a_taint_is_listed_once_and_in_order(calls: list[tuple[Any, ...]]) -> None:
    entries: list[dict[str, Any]] = []
    wanted: list[str] = []
    for effect, label, level, ticket, ended in calls:
        seq = len(entries)
        body = {"profile": {"effect": effect, "outbound": False}, "label": label, "ticket": ticket}
        entries.append(decision(seq, "some.tool", level, {key: value for key, value in body.items() if value is not None}))
        if effect == "write" and label is not None and label["integrity"] == "untrusted":
            wanted.append(f"e{seq}")
        if level == "allow" and ended is not None:
            entries.append(outcome(len(entries), seq, ended=ended))
    told = trace(entries, "r_1")
    listed = [name for act in told.acts for name in act.entries]
    assert sorted(listed, key=_place) == wanted
    assert len(set(listed)) == len(listed)
    firsts = [_place(act.entries[0]) for act in told.acts]
    assert firsts == sorted(firsts)
    assert [event.seq for event in told.events] == sorted(event.seq for event in told.events)
    assert document(told) == document(trace(entries, "r_1"))


def _place(name: str) -> int:
    return int(name[1:])


_ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=8)
    | st.sampled_from(["r_1", "run", "decision", "untrusted"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = ("seq", "at", "kind", "run", "agent", "tool", "call", "decision", "by", "summary")
_IN_BODY = (
    "label",
    "brings",
    "origins",
    "profile",
    "reasons",
    "ticket",
    "scope",
    "parent",
    "task",
    "findings",
    "label_after",
    "stop",
)


@settings(max_examples=examples(120), deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "seq": st.integers(0, 50) | _ODD,
                "kind": st.sampled_from(["decision", "outcome", "run", "control", "approval"]) | _ODD,
            },
            optional={
                **dict.fromkeys(_FIELDS[3:], _ODD),
                "run": st.just("r_1") | _ODD,
                "body": st.dictionaries(st.sampled_from(_IN_BODY), _ODD, max_size=6) | _ODD,
            },
        )
        | _ODD,
        max_size=12,
    )
)
def test_whatever_entries_look_like_a_timeline_comes_of_them(entries: list[Any]) -> None:
    told = document(trace(entries, "r_1"))
    assert told["run"] == "r_1"
    assert all("\n" not in sentence and "\x1b" not in sentence for sentence in told["summary"])
