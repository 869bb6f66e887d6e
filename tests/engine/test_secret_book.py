"""The secret book: late, one at a time, for a moment only."""

from __future__ import annotations

import asyncio

import pytest

from ringfence.core.scan.redactor import MASK, Redactor
from ringfence.engine.secrets.secret_book import KEPT_S, REFUSED_S, SecretBook
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import Secret, SecretRef
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.secrets import FakeSecrets

REF = SecretRef("fake:one")


def book(source: FakeSecrets, clock: FakeClock) -> SecretBook:
    return SecretBook({"fake": source}, clock)


async def test_a_value_is_read_once_and_anew_when_its_moment_is_over() -> None:
    source, clock = FakeSecrets(one="a"), FakeClock()
    secrets = book(source, clock)
    assert (await secrets.read(REF)).reveal() == "a"
    source.values["one"] = "b"
    clock.advance(int(KEPT_S * 1000) - 1)
    assert (await secrets.read(REF)).reveal() == "a"
    clock.advance(1)
    assert (await secrets.read(REF)).reveal() == "b"
    assert len(source.asked) == 2


async def test_many_readers_at_once_ask_once() -> None:
    source = FakeSecrets(one="a")
    secrets = book(source, FakeClock())
    assert {(await found).reveal() for found in asyncio.as_completed([secrets.read(REF) for _ in range(50)])} == {"a"}
    assert source.asked == ["fake:one"]


async def test_a_missing_secret_is_asked_for_again_after_a_moment_and_stops_nothing_else() -> None:
    source, clock = FakeSecrets(two="b"), FakeClock()
    secrets = book(source, clock)
    for _ in range(3):
        with pytest.raises(UnavailableError, match="fake:one"):
            await secrets.read(REF)
    assert source.asked == ["fake:one"]
    assert (await secrets.read(SecretRef("fake:two"))).reveal() == "b"
    source.values["one"] = "a"
    clock.advance(int(REFUSED_S * 1000))
    assert (await secrets.read(REF)).reveal() == "a"


async def test_forgetting_reads_anew_at_once() -> None:
    source = FakeSecrets(one="a")
    secrets = book(source, FakeClock())
    await secrets.read(REF)
    source.values["one"] = "b"
    secrets.forget()
    assert (await secrets.read(REF)).reveal() == "b"


async def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(UnavailableError, match="no known kind") as failed:
        await book(FakeSecrets(), FakeClock()).read(SecretRef("clipboard:x"))
    assert "`fake:`" in failed.value.diagnostics()


OTHER = SecretRef("fake:two")


async def test_values_stay_the_same_object_while_nothing_changes() -> None:
    source, clock = FakeSecrets(one="a", two="b"), FakeClock()
    values = book(source, clock).values({"A": REF, "B": OTHER, "C": "plain"})
    assert values.fresh() is None
    first = await values.read()
    assert first == {"A": "a", "B": "b", "C": "plain"}
    assert values.fresh() is first
    clock.advance(int(KEPT_S * 1000))
    assert values.fresh() is None
    assert await values.read() is first
    assert values.fresh() is first


async def test_what_was_rotated_is_used_after_a_moment() -> None:
    source, clock = FakeSecrets(one="a"), FakeClock()
    values = book(source, clock).values({"A": REF})
    await values.read()
    source.values["one"] = "b"
    clock.advance(int(KEPT_S * 1000))
    assert await values.read() == {"A": "b"}


async def test_what_was_refused_is_read_anew_but_not_all_the_time() -> None:
    source, clock = FakeSecrets(one="a"), FakeClock()
    values = book(source, clock).values({"A": REF})
    await values.read()
    source.values["one"] = "b"
    values.doubt()
    assert values.fresh() == {"A": "a"}
    clock.advance(int(REFUSED_S * 1000))
    values.doubt()
    assert values.fresh() is None
    assert await values.read() == {"A": "b"}
    assert len(source.asked) == 2


async def test_values_of_which_one_is_missing_are_unavailable_and_heal() -> None:
    source, clock = FakeSecrets(one="a"), FakeClock()
    values = book(source, clock).values({"A": REF, "B": OTHER})
    with pytest.raises(UnavailableError, match="fake:two"):
        await values.read()
    assert values.fresh() is None
    source.values["two"] = "b"
    clock.advance(int(REFUSED_S * 1000))
    assert await values.read() == {"A": "a", "B": "b"}


async def test_other_places_are_asked_at_once_and_the_old_ones_closed() -> None:
    secrets = book(FakeSecrets(one="a"), FakeClock())
    values = secrets.values({"A": REF})
    await values.read()
    await secrets.replace({"fake": FakeSecrets(one="b")})
    assert values.fresh() is None
    assert await values.read() == {"A": "b"}


async def test_what_is_there_at_the_start_is_masked_before_it_is_used_and_what_is_missing_is_named() -> None:
    redactor = Redactor()
    secrets = SecretBook({"fake": FakeSecrets(one="first-value", two="second-value")}, FakeClock(), redactor)
    assert await secrets.acquaint([REF, SecretRef("fake:none")]) == ("the secret `fake:none` is not there",)
    assert redactor.text("first-value second-value") == f"{MASK} second-value"
    assert await secrets.acquaint([]) == ()


class SlowSecrets(FakeSecrets):
    """Reads, and says so a moment later."""

    def __init__(self, **values: str) -> None:
        super().__init__(**values)
        self.has_read, self.go = asyncio.Event(), asyncio.Event()

    async def read(self, ref: SecretRef) -> Secret:
        found = await super().read(ref)
        self.has_read.set()
        await self.go.wait()
        return found


@pytest.mark.parametrize("how", ["forget", "replace"])
async def test_what_was_being_read_when_everything_was_to_be_read_anew_is_not_kept(how: str) -> None:
    source = SlowSecrets(one="old")
    secrets = book(source, FakeClock())
    under_way = asyncio.create_task(secrets.read(REF))
    await source.has_read.wait()
    source.values["one"] = "new"
    if how == "forget":
        secrets.forget()
    else:
        await secrets.replace({"fake": FakeSecrets(one="new")})
    source.go.set()
    assert (await under_way).reveal() == "old"
    assert (await secrets.read(REF)).reveal() == "new"
