"""The head of a response leaves together with what follows it, in order, and never later than this turn of the loop."""

import asyncio

from ringfence.adapters.pep.mcp_gateway.corked import Corked


class Below(asyncio.Transport):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.told.append(bytes(data))

    def close(self) -> None:
        self.told.append("close")

    def abort(self) -> None:
        self.told.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.told or "abort" in self.told

    def get_write_buffer_size(self) -> int:
        return 0


def corked() -> tuple[Below, Corked]:
    below = Below()
    return below, Corked(below, asyncio.get_running_loop())


async def test_two_writes_of_one_turn_leave_as_one() -> None:
    below, cork = corked()
    cork.write(b"head ")
    assert below.told == []
    assert cork.get_write_buffer_size() == 5
    cork.write(b"body")
    assert below.told == [b"head body"]
    await asyncio.sleep(0)
    assert below.told == [b"head body"]


async def test_a_lone_write_leaves_at_the_end_of_the_turn() -> None:
    below, cork = corked()
    cork.write(b"head")
    await asyncio.sleep(0)
    assert below.told == [b"head"]
    cork.write(b"more")
    await asyncio.sleep(0)
    assert below.told == [b"head", b"more"]


async def test_everything_leaves_in_order() -> None:
    below, cork = corked()
    pieces = [b"%d" % number for number in range(9)]
    for place, piece in enumerate(pieces):
        cork.write(piece)
        if place % 3 == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert b"".join(piece for piece in below.told if isinstance(piece, bytes)) == b"".join(pieces)


async def test_closing_sends_what_is_held_and_aborting_drops_it() -> None:
    below, cork = corked()
    cork.write(b"last")
    cork.close()
    assert below.told == [b"last", "close"]
    assert cork.is_closing()
    below, cork = corked()
    cork.write(b"last")
    cork.abort()
    await asyncio.sleep(0)
    assert below.told == ["abort"]
