"""No step of the wall clock makes anything live longer."""

from pathlib import Path

import pytest

from ringfence.adapters.system.clock import SystemClock, boot_id, boot_ns

pytestmark = pytest.mark.requirement("I8")

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = 1_800_000_000 * SECOND


class Machine:
    """A wall clock that can be set and a boot clock that cannot."""

    def __init__(self) -> None:
        self.wall = START
        self.up = 50 * SECOND
        self.boot = "one"

    def passes(self, seconds: float) -> None:
        self.wall += int(seconds * SECOND)
        self.up += int(seconds * SECOND)

    def clock(self, mark: Path | None = None) -> SystemClock:
        return SystemClock(mark, wall=lambda: self.wall, boot=lambda: self.up, boot_name=lambda: self.boot)


def test_time_is_the_wall_clocks_while_nobody_sets_it() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == START // 1_000_000
    machine.passes(7.5)
    assert clock.now() == START // 1_000_000 + 7500


def test_a_clock_set_back_goes_on_at_its_own_pace() -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now()
    machine.wall -= HOUR
    machine.passes(900)
    assert clock.now() == before + 900_000, "what had 15 minutes to live is dead after 15 minutes"


def test_a_clock_set_forward_ends_things_early_and_never_late() -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now()
    machine.wall += HOUR
    assert clock.now() == before + 3_600_000
    machine.wall -= HOUR
    machine.passes(900)
    assert clock.now() == before + 3_600_000 + 900_000, "what began in between has its own time, no more"


def test_a_suspended_machine_grows_older() -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now()
    machine.passes(8 * 3600)  # the boot clock counts it, the monotonic clock would not
    assert clock.now() == before + 8 * 3600 * 1000


def test_a_clock_set_back_between_two_processes_changes_nothing(tmp_path: Path) -> None:
    machine = Machine()
    before = machine.clock(tmp_path / "clock").now()
    machine.passes(600)
    machine.wall -= HOUR
    machine.passes(600)
    assert machine.clock(tmp_path / "clock").now() == before + 1_200_000


def test_a_step_forward_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    machine = Machine()
    clock = machine.clock(tmp_path / "clock")
    machine.wall += HOUR
    during = clock.now()
    machine.wall -= HOUR
    machine.passes(60)
    assert machine.clock(tmp_path / "clock").now() == during + 60_000


def test_another_boot_begins_with_the_wall_clock(tmp_path: Path) -> None:
    machine = Machine()
    machine.clock(tmp_path / "clock")
    machine.boot, machine.up = "two", SECOND
    machine.passes(100)
    assert machine.clock(tmp_path / "clock").now() == machine.wall // 1_000_000


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"boot": "one", "ahead_ns": "9"}', b'{"boot": "one"}', b"\xff"])
def test_a_mark_that_cannot_be_read_is_written_again(tmp_path: Path, content: bytes) -> None:
    mark = tmp_path / "clock"
    mark.write_bytes(content)
    machine = Machine()
    assert machine.clock(mark).now() == START // 1_000_000
    assert mark.read_bytes() != content
    assert mark.stat().st_mode & 0o077 == 0


def test_a_mark_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert Machine().clock(tmp_path / "missing" / "clock").now() == START // 1_000_000
    assert "cannot be written" in caplog.text


def test_this_machine_has_both_clocks() -> None:
    clock = SystemClock()
    first = clock.now()
    assert boot_id()
    assert boot_ns() > 0
    assert clock.now() >= first
