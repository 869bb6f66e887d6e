"""What is kept of what a run was given: and that forgetting cannot make one record of two."""

from __future__ import annotations

from ringfence.core.model.identifiers import RunId, ToolId
from ringfence.core.model.profile import Records
from ringfence.core.model.provenance import Heard
from ringfence.engine.hearing import KEPT_MS, MOST_OF_ALL, MOST_OF_RUN, MOST_RESULTS, Hearing

RUN = RunId("r_1")
LISTING = Records(("/title",), ("/id",))


def heard(*, records: Records | None = None, at: int = 1) -> Heard:
    return Heard(entry="e1", tool=ToolId("srv.list"), arguments={}, value={}, at=at, records=records)


def test_pages_do_not_push_out_a_listing_of_records() -> None:
    hearing, listing = Hearing(), heard(records=LISTING)
    hearing.note(RUN, listing, 100)
    for _ in range(3 * MOST_RESULTS):
        hearing.note(RUN, heard(), MOST_OF_RUN // 4)
    assert listing in hearing.of(RUN)
    assert not hearing.has_forgotten(RUN, 1)


def test_a_run_whose_listing_was_pushed_out_by_others_is_known_to_have_forgotten() -> None:
    hearing, listing = Hearing(), heard(records=LISTING)
    hearing.note(RUN, listing, 100)
    for _ in range(MOST_RESULTS):
        hearing.note(RUN, heard(records=LISTING), 100)
    assert listing not in hearing.of(RUN)
    assert hearing.has_forgotten(RUN, 1)


def test_a_listing_too_large_to_keep_is_forgotten_at_once() -> None:
    hearing = Hearing()
    hearing.note(RUN, heard(records=LISTING), MOST_OF_RUN + 1)
    assert hearing.of(RUN) == ()
    assert hearing.has_forgotten(RUN, 1)


def test_a_run_that_others_pushed_out_has_forgotten_until_it_ends() -> None:
    hearing = Hearing()
    hearing.note(RUN, heard(records=LISTING), 100)
    for other in range(MOST_OF_ALL // MOST_OF_RUN + 1):
        hearing.note(RunId(f"r_other{other}"), heard(), MOST_OF_RUN)
    assert hearing.of(RUN) == ()
    assert hearing.has_forgotten(RUN, 1)
    hearing.forget(RUN)
    assert not hearing.has_forgotten(RUN, 1)


def test_a_run_that_was_silent_for_long_has_forgotten() -> None:
    hearing = Hearing()
    hearing.note(RUN, heard(records=LISTING), 100)
    hearing.note(RunId("r_2"), heard(at=KEPT_MS + 2), 100)
    assert hearing.has_forgotten(RUN, 1)


def test_the_bounds_hold_whatever_is_noted() -> None:
    hearing = Hearing()
    for place in range(2 * MOST_RESULTS):
        hearing.note(RUN, heard(records=LISTING if place % 3 else None), MOST_OF_RUN // 7 + place)
        assert len(hearing.of(RUN)) <= min(MOST_RESULTS, 7)


def test_a_run_from_before_a_restart_has_forgotten() -> None:
    hearing = Hearing(since=1_000)
    assert hearing.has_forgotten(RUN, 999)
    assert not hearing.has_forgotten(RUN, 1_000)
