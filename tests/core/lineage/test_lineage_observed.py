"""What a run was given beside the gateway, in its story; and requests to models, which are no effects."""

from __future__ import annotations

from tests.core.lineage.lineage_kit import INTERNAL, OUTWARD, UNTRUSTED, decision, entry, outcome

from ringfence.app.lineage.text import lines
from ringfence.core.lineage.because import because
from ringfence.core.lineage.document import document
from ringfence.core.lineage.events import EventKind, Fate
from ringfence.core.lineage.tracer import trace


def observed(seq: int, *names: str, **body: object) -> dict[str, object]:
    return entry(seq, "observed", {"request": "0" * 64, "results": [{"id": f"t{n}", "name": n} for n in names], **body})


STORY = [
    entry(1, "run", {"task": "fix it", "task_trusted": True, "parent": None}, by="operator:ada"),
    decision(2, "model.messages", body={**OUTWARD}),
    outcome(3, 2),
    observed(4, "Bash", "WebFetch", brings=UNTRUSTED),
    decision(5, "model.messages", body={**OUTWARD, "label": UNTRUSTED}),
    outcome(6, 5),
    observed(7, "Read", label=UNTRUSTED),
    decision(8, "mail.send", body={**OUTWARD, "label": UNTRUSTED, "origins": []}),
    outcome(9, 8),
]


def test_a_run_becomes_untrusted_by_what_its_own_tools_gave_it() -> None:
    timeline = trace(STORY, "r_1")
    assert timeline.first_untrusted == "e4"
    assert not timeline.inherited.is_untrusted
    seen = [event for event in timeline.events if event.kind is EventKind.SEEN]
    assert [event.what for event in seen] == [
        "Bash, WebFetch: answered beside the gateway",
        "Read: answered beside the gateway",
    ]
    assert "First untrusted content: e4 (Bash, WebFetch: answered beside the gateway)" in document(timeline)["summary"][0]
    states = {event["entry"]: event["after"]["integrity"] for event in document(timeline)["events"]}
    assert (states["e2"], states["e4"], states["e5"]) == ("trusted", "untrusted", "untrusted")


def test_a_request_to_a_model_is_no_effect_that_has_to_be_explained() -> None:
    timeline = trace(STORY, "r_1")
    assert [(act.tool, act.fate) for act in timeline.acts] == [("mail.send", Fate.EXECUTED)]


def test_a_refusal_names_what_made_the_run_untrusted() -> None:
    refused = decision(8, "mail.send", "ask", {**OUTWARD, "label": UNTRUSTED, "reasons": []})
    found = because(refused, STORY[:7])
    assert found is not None
    assert found.sentences({})[0].startswith("The run was untrusted since e4 (Bash, WebFetch: answered beside the gateway at ")


def test_calls_of_the_gateways_own_are_told_of_with_those_calls() -> None:
    joined = entry(4, "observed", {"results": [{"id": "t", "name": "mcp__x__orders__get", "call": "c2"}]})
    (event,) = [one for one in trace([*STORY[:3], joined], "r_1").events if one.kind is EventKind.SEEN]
    assert event.what == "results of calls above came back"


def test_what_brings_nothing_new_is_folded() -> None:
    quiet = [
        one for seq in range(10, 40, 3) for one in (observed(seq, "Read", label=UNTRUSTED), decision(seq + 1, "model.messages"))
    ]
    text = "\n".join(f"{line.drawn}{line.text}" for line in lines(document(trace([*STORY, *quiet], "r_1"))))
    assert "… 20 reads and requests to models that brought nothing new" in text
    assert "Bash, WebFetch: answered beside the gateway" in text


def test_odd_entries_are_told_of_as_far_as_they_can_be_read() -> None:
    odd = [entry(2, "observed", {"results": [None, 3, {"name": 5}], "label": "x"}), entry(3, "observed", {"brings": INTERNAL})]
    whats = [event.what for event in trace([STORY[0], *odd], "r_1").events if event.kind is EventKind.SEEN]
    assert whats == ["unnamed: answered beside the gateway", "results of calls above came back"]
