"""The emergency slot: small, in place, and whole after a torn write."""

from pathlib import Path

import pytest
from tests.adapters.faulty_disk import FaultyDisk

from ringfence.adapters.stores.sqlite.slot import HALF, EmergencySlot
from ringfence.adapters.stores.sqlite.store import open_store
from ringfence.core.model.stop import Stop
from ringfence.errors import IntegrityError, UnavailableError
from ringfence.testing.contracts.samples import a_reach, a_stop

pytestmark = [pytest.mark.requirement("I6"), pytest.mark.requirement("I14")]


def reread(path: Path) -> tuple[Stop, ...]:
    slot = EmergencySlot(path, FaultyDisk())
    try:
        return slot.open()
    finally:
        slot.close()


@pytest.fixture
def slot(tmp_path: Path) -> EmergencySlot:
    slot = EmergencySlot(tmp_path / "slot", FaultyDisk())
    assert slot.open() == ()
    return slot


def test_what_was_saved_last_is_read_back(slot: EmergencySlot, tmp_path: Path) -> None:
    for count in (1, 2, 0, 3):
        stops = tuple(a_stop(f"s{n}") for n in range(count))
        slot.save(stops)
        assert reread(tmp_path / "slot") == stops
        assert slot.is_empty == (count == 0)
    slot.close()


def test_the_file_never_changes_its_size(slot: EmergencySlot, tmp_path: Path) -> None:
    path = tmp_path / "slot"
    for count in range(20):
        slot.save([a_stop(f"s{n}", reason="r" * 100) for n in range(count)])
        assert path.stat().st_size == 2 * HALF
    slot.close()


@pytest.mark.parametrize("torn_at", [0, 1, 7, 20, 51, 52, 200, HALF - 1])
def test_a_torn_write_leaves_what_was_saved_before(slot: EmergencySlot, tmp_path: Path, torn_at: int) -> None:
    path = tmp_path / "slot"
    slot.save([a_stop("old")])
    before = path.read_bytes()
    slot.save([a_stop("old"), a_stop("new")])
    after = path.read_bytes()
    slot.close()
    half = 0 if before[:HALF] != after[:HALF] else HALF
    path.write_bytes(before[:half] + after[half : half + torn_at] + before[half + torn_at :])
    kept = [stop.id for stop in reread(path)]
    assert kept in (["old"], ["old", "new"])
    assert kept == ["old"] or after[half + torn_at : half + HALF] == before[half + torn_at : half + HALF]


def test_a_slot_damaged_in_both_halves_is_an_alarm(slot: EmergencySlot, tmp_path: Path) -> None:
    path = tmp_path / "slot"
    slot.save([a_stop()])
    slot.close()
    content = bytearray(path.read_bytes())
    content[30] ^= 1
    content[HALF + 30] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="damaged"):
        reread(path)


def test_a_cut_slot_is_an_alarm(slot: EmergencySlot, tmp_path: Path) -> None:
    slot.close()
    path = tmp_path / "slot"
    path.write_bytes(path.read_bytes()[:HALF])
    with pytest.raises(IntegrityError):
        reread(path)


def test_more_stops_than_fit_are_refused_and_the_old_ones_stay(slot: EmergencySlot, tmp_path: Path) -> None:
    slot.save([a_stop()])
    with pytest.raises(OSError, match="full"):
        slot.save([a_stop(f"s{n}", reason="r" * 1000) for n in range(100)])
    slot.close()
    assert reread(tmp_path / "slot") == (a_stop(),)


def test_a_slot_whose_fsync_failed_is_not_used_again(tmp_path: Path) -> None:
    disk = FaultyDisk()
    slot = EmergencySlot(tmp_path / "stops.emergency", disk)
    slot.open()
    disk.slot_fails = True
    with pytest.raises(OSError, match="Input/output"):
        slot.save([a_stop()])
    disk.slot_fails = False
    with pytest.raises(OSError, match="earlier fsync"):
        slot.save([a_stop()])
    slot.close()


def test_a_slot_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        EmergencySlot(tmp_path / "none" / "slot", FaultyDisk()).open()


async def test_a_stop_already_in_the_database_is_not_recorded_twice(tmp_path: Path) -> None:
    """The process died after the stop reached the database and before the slot was emptied."""
    for _ in range(2):
        slot = EmergencySlot(tmp_path / "stops.emergency", FaultyDisk())
        slot.open()
        slot.save([a_stop()])
        slot.close()
        store = await open_store(tmp_path)
        assert store.stops_on(a_reach()) == (a_stop(),)
        await store.close()
        assert reread(tmp_path / "stops.emergency") == ()
    store = await open_store(tmp_path)
    assert (await store.head()).size == 1
    await store.close()
