"""What the SQLite store refuses to be built on."""

import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from ringfence.adapters.stores.sqlite.opening import check_library
from ringfence.adapters.stores.sqlite.store import open_store
from ringfence.core.records.unit import AddStop, AddTicket, PutOperator, PutPin, Unit
from ringfence.errors import ConfigError, IntegrityError, UnavailableError
from ringfence.testing.contracts.samples import a_pin, a_stop, a_ticket, an_entry, an_operator, opening, reserving
from ringfence.testing.contracts.store import accept, adding


async def written(directory: Path, entries: int = 5) -> Path:
    """The database file of a store with something in each table, closed."""
    store = await open_store(directory)
    await accept(
        store,
        opening(credential="h"),
        reserving("c1", ("run-1", None)),
        Unit((), (AddTicket(a_ticket()), AddStop(a_stop()), PutOperator(an_operator(), new=True))),
    )
    if entries > 2:
        await accept(store, adding(*(f"{n}" for n in range(entries - 2))))
    await store.put_checkpoint("note\n", 2)
    await store.close()
    return directory / "ringfence.db"


def change(path: Path, *statements: str) -> None:
    db = apsw.Connection(str(path))
    for statement in statements:
        db.execute(statement).fetchall()
    db.close()


DAMAGE: dict[str, tuple[str, ...]] = {
    "an entry is missing in the middle": ("delete from entries where seq = 2",),
    "the first entry is missing": ("delete from entries where seq = 0",),
    "the last entry is missing": ("delete from entries where seq = 4",),
    "an entry was added": ("insert into entries values (5, x'7b7d')",),
    "the places have a gap": ("update entries set seq = 9 where seq = 4",),
    "a byte of an entry was changed": (
        "update entries set leaf = cast(replace(cast(leaf as text), 'allow', 'alloW') as blob)",
    ),
    "two entries were swapped": (
        "update entries set seq = -1 where seq = 3",
        "update entries set seq = 3 where seq = 4",
        "update entries set seq = 4 where seq = -1",
    ),
    "the head speaks of more": ("update head set size = 6",),
    "the head speaks of less": ("update head set size = 4",),
    "the edge is another": ("update head set edge = zeroblob(length(edge))",),
    "the edge is cut": ("update head set edge = substr(edge, 1, 32)",),
    "the head is gone": ("delete from head",),
    "the index reaches further": ("update head set indexed = 6",),
    "the index has a gap": ("delete from facets where seq = 1",),
    "the tail is cut off below a checkpoint": (
        "delete from entries where seq >= 1",
        "delete from facets where seq >= 1",
        "update head set size = 1, indexed = 1",
    ),
    "a row is not JSON": ("update runs set doc = 'x'",),
    "a row has a member of the wrong type": ("update runs set doc = json_set(doc, '$.opened_at', 'soon')",),
    "a row lacks a member": ("update stops set doc = json_remove(doc, '$.scope')",),
    "a row has an unknown member": ("update tickets set doc = json_set(doc, '$.also', 1)",),
    "a row says that it is another": ("update operators set id = 'mallory'",),
    "a hold is gone": ("delete from holds",),
    "an account is gone": ("delete from accounts",),
    "an account holds less": ("update accounts set doc = json_set(doc, '$.held', 0)",),
    "an account has a negative spending": ("update accounts set doc = json_set(doc, '$.spent', -1)",),
    "another program's database": ("pragma application_id = 7",),
}


@pytest.mark.requirement("I12")
@pytest.mark.parametrize("statements", DAMAGE.values(), ids=DAMAGE.keys())
async def test_damage_is_found_at_start(tmp_path: Path, statements: tuple[str, ...]) -> None:
    change(await written(tmp_path), *statements)
    with pytest.raises(IntegrityError):
        await open_store(tmp_path)


@pytest.mark.requirement("I12")
async def test_a_changed_entry_near_the_end_of_a_long_log_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringfence.adapters.stores.sqlite.opening.SHORT_LOG", 10)
    monkeypatch.setattr("ringfence.adapters.stores.sqlite.batch.ANCHOR_EVERY", 64)
    store = await open_store(tmp_path)
    for n in range(300):
        await (await accept(store, adding(f"entry {n}"))).journaled()
    await store.close()
    await (await open_store(tmp_path)).close()
    change(tmp_path / "ringfence.db", "update entries set leaf = x'7b7d' where seq = 299")
    with pytest.raises(IntegrityError, match="do not hash"):
        await open_store(tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"not a database at all" * 1000,
        lambda content: content[:5000],
        lambda content: content[:4096] + bytes(4096) + content[8192:],
    ],
    ids=["garbage", "cut", "a page of zeros"],
)
@pytest.mark.requirement("I12")
async def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = await written(tmp_path, entries=50)
    spoiled = spoil(path.read_bytes())
    path.write_bytes(spoiled)
    with pytest.raises(IntegrityError) as caught:
        await open_store(tmp_path)
    assert caught.value.remedy
    assert path.read_bytes() == spoiled


@pytest.mark.requirement("I14")
async def test_a_store_of_the_first_schema_is_brought_up_to_date_and_keeps_everything(tmp_path: Path) -> None:
    change(await written(tmp_path), "drop table pins", "pragma user_version = 1")
    store = await open_store(tmp_path)
    assert await store.pins() == ()
    await accept(store, Unit((), (PutPin(a_pin(), None),)))
    await store.close()
    store = await open_store(tmp_path)
    assert await store.pins() == (a_pin(),)
    assert await store.ticket(a_ticket().id) == a_ticket()
    assert (await store.head()).size == 5
    await store.close()


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    change(await written(tmp_path), "pragma user_version = 99")
    with pytest.raises(ConfigError, match="schema 99"):
        await open_store(tmp_path)


async def test_a_foreign_database_is_not_migrated(tmp_path: Path) -> None:
    change(tmp_path / "ringfence.db", "create table mine(a)")
    with pytest.raises(IntegrityError, match="not a ringfence store"):
        await open_store(tmp_path)


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.0"])
def test_a_library_that_can_lose_pages_is_refused(version: str) -> None:
    with pytest.raises(ConfigError, match=version):
        check_library(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.54.1", "4.0.0"])
def test_a_sound_library_is_accepted(version: str) -> None:
    check_library(version)


async def test_a_directory_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        await open_store(tmp_path / "none")


async def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await accept(store, opening())
    modes = {name: oct(os.stat(tmp_path / name).st_mode & 0o777) for name in os.listdir(tmp_path)}
    await store.close()
    assert set(modes.values()) == {"0o600"}, modes


async def test_a_whole_store_opens_again(tmp_path: Path) -> None:
    await written(tmp_path)
    store = await open_store(tmp_path)
    assert (await store.head()).size == 5
    assert (await store.record_at(0)) is not None
    await accept(store, Unit((an_entry("goes on"),)))
    await store.close()
