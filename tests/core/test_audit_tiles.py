"""The names and contents of C2SP tiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.audit.tiles import Tile, bundle, entries_of, tiles_of
from ringfence.errors import RequestError


def test_a_tile_is_named_as_the_specification_says() -> None:
    assert Tile(0, 1_234_067, 256).path == "tile/0/x001/x234/067"
    assert Tile(0, 1_234_067, 256).entries_path == "tile/entries/x001/x234/067"
    assert Tile(1, 0, 112).path == "tile/1/000.p/112"
    assert Tile(2, 999, 1).path == "tile/2/999.p/1"
    assert Tile(0, 1000, 256).path == "tile/0/x001/000"


def test_the_specifications_example_of_70000_entries() -> None:
    tiles = list(tiles_of(70_000))
    assert [tile.path for tile in tiles if tile.width < 256] == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert sum(tile.level == 1 and tile.width == 256 for tile in tiles) == 1


def test_a_tree_of_256_has_a_full_tile_and_one_hash_above() -> None:
    assert list(tiles_of(256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@given(st.integers(0, 200_000))
def test_the_tiles_of_a_level_hold_every_hash_of_it_once(size: int) -> None:
    tiles = list(tiles_of(size))
    for level in range(4):
        assert sum(tile.width for tile in tiles if tile.level == level) == size >> (8 * level)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_is_read_back(entries: list[bytes]) -> None:
    assert list(entries_of(bundle(entries))) == entries


def test_a_bundle_that_is_cut_off_is_refused() -> None:
    whole = bundle([b"one", b"two"])
    for cut in range(1, len(whole)):
        if cut != 5:
            with pytest.raises(RequestError):
                list(entries_of(whole[:cut]))


def test_an_entry_of_64_kib_has_no_place_in_a_bundle() -> None:
    assert list(entries_of(bundle([b"x" * 65_535]))) == [b"x" * 65_535]
    with pytest.raises(RequestError):
        bundle([b"x" * 65_536])
