"""What is remembered of runs and their tools is bounded, and a run that was forgotten is known as one."""

from __future__ import annotations

import pytest

from ringfence.core.metering.observed import ToolUse, result_key, use_key
from ringfence.core.model.identifiers import Digest, RunId
from ringfence.core.observing.acts import OwnCall
from ringfence.engine.models import noted
from ringfence.engine.models.noted import Noted, RunNotes
from ringfence.testing.fakes.clock import FakeClock


def use(id: str, name: str = "Bash", arguments: str = "d") -> ToolUse:
    return ToolUse(id=id, name=name, kind="tool_use", arguments=Digest(arguments))


def test_a_run_is_a_container_of_what_was_noted() -> None:
    notes = RunNotes()
    notes.note([use("t1")], ["t2"])
    assert use_key("t1") in notes
    assert result_key("t2") in notes
    assert use_key("t2") not in notes
    assert use_key("t1") != result_key("t1")
    notes.forget(["t1"], ["t2"])
    assert len(notes) == 0


def test_what_is_kept_is_bounded_and_the_runs_heard_of_least_lately_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noted, "MOST_OF_ALL", 500)
    clock = FakeClock()
    memory = Noted(clock)
    before = memory.since
    clock.advance(1000)
    for number in range(1000):
        memory.of(RunId(f"r{number}")).note([use(f"t{n}") for n in range(5)], [])
    assert len(memory.of(RunId("r999"))) == 5
    assert len(memory.of(RunId("r0"))) == 0
    # Runs that were opened by then are to be looked up in the log.
    assert memory.since > before


def test_calls_of_a_run_are_bounded() -> None:
    notes = RunNotes()
    for number in range(noted.MOST_CALLS + 10):
        notes.note_call(OwnCall(f"c{number}", "orders.get", "get", f"t{number}"), "")
        notes.note_call(OwnCall(f"d{number}", "orders.get", "get"), f"digest{number}")
        notes.note_call(OwnCall(f"e{number}", "orders.get", "get"), "the same")
    assert notes.weight < 3 * noted.MOST_CALLS + 10
    assert not notes.is_named(use("t0", "mcp__x__orders__get"))
    assert notes.is_named(use(f"t{noted.MOST_CALLS}", "mcp__x__orders__get"))


def test_each_call_without_a_use_is_one_use() -> None:
    notes = RunNotes()
    notes.note_call(OwnCall("c1", "orders.get", "get"), "d")
    assert notes.call_of(use("t1", "Bash")) == ""
    assert notes.call_of(use("t1", "orders__get")) == "c1"
    assert notes.call_of(use("t2", "orders__get")) == ""
