"""A timeline as text, as JSON and as a page: what people see, and that nothing foreign gets out of its place."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.lineage.lineage_kit import BOTH, OUTWARD, UNTRUSTED, decision, entry, origin, outcome, reasons, story
from tests.effort import examples

from ringfence.app.lineage.drawing import MOST_ROWS, draw
from ringfence.app.lineage.lanes import MOST_LANES, lay_out
from ringfence.app.lineage.page import STYLE, timeline_page
from ringfence.app.lineage.text import lines
from ringfence.core.lineage.document import document
from ringfence.core.lineage.tracer import trace

GOLDEN = Path(__file__).parent / "golden"
_VOID = {"meta", "link", "br", "rect", "line", "path"}


def shown(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return document(trace(entries, "r_1"))


def test_the_text_is_the_golden_one_and_fits_eighty_columns() -> None:
    text = "".join(f"{line.drawn}{line.text}".rstrip() + "\n" for line in lines(shown(story())))
    assert text == (GOLDEN / "timeline.txt").read_text("utf-8")
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_json_is_the_golden_one() -> None:
    assert shown(story()) == json.loads((GOLDEN / "timeline.json").read_text("utf-8"))


class _Tree(HTMLParser):
    """Holds a page to being well formed, and remembers what is in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in _VOID or (
            tag == "path" and self.get_starttag_text() and not str(self.get_starttag_text()).endswith("/>")
        ):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> _Tree:
    tree = _Tree()
    tree.feed(page)
    tree.close()
    assert tree.open == []
    return tree


@pytest.mark.parametrize("served", [False, True])
def test_the_page_is_well_formed_and_has_nothing_that_runs(served: bool) -> None:
    tree = read(timeline_page(shown(story()), served=served))
    tags = {tag for tag, _ in tree.seen}
    assert not tags & {"script", "iframe", "object", "embed", "form", "img", "base"}
    for _, attributes in tree.seen:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)


def test_the_file_carries_a_policy_that_allows_its_own_style_alone() -> None:
    page = timeline_page(shown(story()))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert style[1] == STYLE
    assert "<" not in STYLE
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(a["content"] for tag, a in read(page).seen if tag == "meta" and a.get("http-equiv"))
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"(?:href|src)=|url\((?!#)|@import", page)


HOSTILE = '</text><script>alert(1)</script><a href="javascript:x">"\'&amp;\x1b[31m\u202e\n'


def hostile() -> list[dict[str, Any]]:
    """Everything that somebody else may have written, in every place that is shown."""
    bad = origin(HOSTILE, HOSTILE, "result", HOSTILE, HOSTILE)
    return [
        entry(1, "run", {"task": HOSTILE, "task_trusted": True}, summary=HOSTILE, by=HOSTILE, agent=HOSTILE),
        decision(2, HOSTILE, body={"brings": BOTH}),
        outcome(3, 2, {"label": UNTRUSTED, "findings": [{"rule": HOSTILE, "at": HOSTILE, "class": HOSTILE, "count": 1}]}),
        decision(
            4, HOSTILE, "ask", {**OUTWARD, "label": BOTH, "ticket": HOSTILE, "reasons": reasons(HOSTILE), "origins": [bad]}
        ),
        entry(5, "approval", {"ticket": HOSTILE}, decision="denied", by=HOSTILE, summary=HOSTILE),
        entry(6, "control", {"stop": HOSTILE, "scope": {"kind": "everything"}}, run=None, decision=HOSTILE, summary=HOSTILE),
    ]


@pytest.mark.parametrize("served", [False, True])
def test_hostile_content_stays_text(served: bool) -> None:
    tree = read(timeline_page(shown(hostile()), served=served))
    assert "script" not in {tag for tag, _ in tree.seen}
    assert not [a for tag, a in tree.seen if tag == "a" and str(a.get("href")).startswith("javascript")]
    said = "".join(tree.text)
    assert "<script>alert(1)" in said
    assert "\u202e" not in said
    assert "\x1b" not in said


def test_hostile_content_cannot_break_a_line_of_the_terminal() -> None:
    for line in lines(shown(hostile())):
        assert not set(line.drawn + line.text) & {"\x1b", "\n", "\r", "\u202e"}


def test_a_longer_run_is_drawn_as_far_as_it_fits_and_says_so() -> None:
    reads = [decision(seq, "web.get", "deny", {"label": UNTRUSTED}) for seq in range(MOST_ROWS * 2)]
    last = decision(
        MOST_ROWS * 2, "mail.send", "ask", {**OUTWARD, "label": UNTRUSTED, "origins": [origin("/to", "target", "nowhere")]}
    )
    drawing = draw(shown([*reads, last]))
    assert len(drawing.cards) == MOST_ROWS
    assert drawing.undrawn == MOST_ROWS + 1
    assert f"e{MOST_ROWS * 2}" in {card.entry for card in drawing.cards}


def test_a_handoff_is_drawn_from_the_child_to_its_parent() -> None:
    hands = {**OUTWARD, "label": UNTRUSTED, "arguments": {"result": {}}}
    told = shown(
        [
            entry(1, "run", {"task": "all"}),
            entry(2, "run", {"task": "look", "parent": "r_1"}, run="r_2"),
            decision(3, "ringfence.handoff", body=hands, run="r_2"),
            decision(4, "ringfence.handoff", body={**OUTWARD, "brings": UNTRUSTED, "arguments": {"from": "r_2"}}),
        ]
    )
    drawing = draw(told)
    assert [(card.entry, card.side) for card in drawing.cards] == [("e3", "effect"), ("e4", "source")]
    assert [path.about for path in drawing.paths] == ["e3 to e4"]
    text = [f"{line.drawn}{line.text}" for line in lines(told)]
    assert any("╰▶ ringfence.handoff" in line for line in text)
    assert any("takes what r_2 handed over" in line for line in text)


_EDGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40)


@settings(max_examples=examples(200), deadline=None)
@given(_EDGES)
def test_no_two_sources_share_a_lane_at_a_time(pairs: list[tuple[int, int]]) -> None:
    rows = [f"e{number}" for number in range(31)]
    edges = [{"source": f"e{a}", "effect": f"e{b}", "trusted": False} for a, b in pairs]
    lanes = lay_out(edges, rows)
    for one in lanes.lanes:
        assert one.place < MOST_LANES
        for other in lanes.lanes:
            assert one is other or one.place != other.place or one.last < other.first or other.last < one.first
    drawn = {rows[lane.first] for lane in lanes.lanes}
    assert drawn | lanes.undrawn == {edge["source"] for edge, (a, b) in zip(edges, pairs, strict=True) if a < b}
    for row in range(31):
        widths = {len(lanes.passing(row)), len(lanes.reaching(row)), len(lanes.leaving(row))}
        assert widths == {2 * lanes.width}


@settings(max_examples=examples(50), deadline=None)
@given(_EDGES)
def test_every_drawing_of_random_edges_is_whole(pairs: list[tuple[int, int]]) -> None:
    entries = [
        decision(
            number,
            "some.tool",
            body={
                **(OUTWARD if number % 2 else {}),
                "label": UNTRUSTED,
                "origins": [origin(f"/{a}", "target", "result", f"e{a}") for a, b in pairs if b == number],
            },
        )
        for number in range(31)
    ]
    told = shown(entries)
    read(timeline_page(told))
    text = [line.drawn + line.text for line in lines(told)]
    assert all(any(f" e{number} " in line for line in text) for number in range(31))
