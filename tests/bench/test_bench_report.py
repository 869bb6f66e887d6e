"""What `make bench` writes down."""

import pytest
from bench.figures import LEVELS, Figures, result
from bench.flame import OTHER, shares
from bench.measurement import Measurement, Row
from bench.report import BEGIN, END, for_docs, for_terminal, spliced
from bench.targets import Absent


def found() -> Measurement:
    by_level = {level: Figures(1234, 0.8, 0.3, 1, 0.5, 0.9) for level in LEVELS}
    return Measurement(
        rows=[Row("ringfence, read", "a public read", "modern", by_level)],
        absent=[Absent("a peer", "it did not start")],
        result=result(by_level, by_level, cores=2, checks_on=["standing", "policy"], rss_mib=80),
        versions={"mcp": "2.3.0"},
        date="2026-01-01",
        machine="a machine, 2 cores",
        rounds=3,
        seconds=2,
        request_bytes=900,
    )


def test_the_table_names_the_checks_the_peers_that_are_missing_and_the_goals_that_are_not_reached() -> None:
    text = for_docs(found())
    assert "`standing`, `policy`" in text
    assert "a peer: not measured. it did not start" in text
    assert "| ringfence, read | modern | 1,234 |" in text
    assert "NOT reached: ratio_c64 = 0.8 (at least 0.95" in text
    assert "- reached: cpu_ms_per_read = 0.3 (at most 0.35, binding" in text


def test_the_terminal_shows_the_same_rows() -> None:
    text = for_terminal(found())
    assert "ringfence, read" in text
    assert "a peer: not measured: it did not start" in text


def test_only_what_lies_between_the_markers_is_replaced() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert spliced(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


@pytest.mark.parametrize("page", ["no markers", f"{BEGIN} only", f"{END}\n{BEGIN}"])
def test_a_page_without_its_markers_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match=r"substring not found|wrong order"):
        spliced(page, "new")


def test_a_sample_counts_for_the_innermost_frame_that_belongs_to_somebody() -> None:
    stacks = [
        "run (asyncio/runners.py:1);enforce (/x/src/ringfence/engine/enforce.py:120);encode (json/encoder.py:3) 6",
        "run (asyncio/runners.py:1);enforce (/x/src/ringfence/engine/enforce.py:9);apply (/x/src/ringfence/core/state.py:4) 3",
        "run (asyncio/runners.py:1) 1",
        "a line without a count",
    ]
    found = dict(shares(stacks))
    assert found[OTHER] == pytest.approx(0.1)
    assert max(found, key=lambda part: found[part]).startswith("the one path")
    assert sum(found.values()) == pytest.approx(1.0)
