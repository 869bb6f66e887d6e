"""The head of a response leaves together with what follows it, in order, and never later than this turn of the loop."""

import asyncio

from ringfence.adapters.pep.mcp_gateway.corked import Corked

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


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


async def test_a_head_leaves_with_what_follows_in_its_turn() -> None:
    below, cork = corked()
    cork.write(HEAD)
    assert below.told == []
    assert cork.get_write_buffer_size() == len(HEAD)
    cork.write(b"body")
    assert below.told == [HEAD + b"body"]
    await asyncio.sleep(0)
    assert below.told == [HEAD + b"body"]


async def test_a_lone_head_leaves_at_the_end_of_the_turn_and_what_comes_later_at_once() -> None:
    below, cork = corked()
    cork.write(HEAD)
    await asyncio.sleep(0)
    assert below.told == [HEAD]
    cork.write(b"more")
    assert below.told == [HEAD, b"more"]
    cork.write(b"")
    await asyncio.sleep(0)
    assert below.told == [HEAD, b"more"]


async def test_everything_leaves_in_order() -> None:
    below, cork = corked()
    pieces = [HEAD if number % 4 == 0 else b"%d" % number for number in range(12)]
    for place, piece in enumerate(pieces):
        cork.write(piece)
        if place % 3 == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert b"".join(piece for piece in below.told if isinstance(piece, bytes)) == b"".join(pieces)


async def test_closing_sends_what_is_held_and_aborting_drops_it() -> None:
    below, cork = corked()
    cork.write(HEAD)
    cork.close()
    assert below.told == [HEAD, "close"]
    assert cork.is_closing()
    below, cork = corked()
    cork.write(HEAD)
    cork.abort()
    await asyncio.sleep(0)
    assert below.told == ["abort"]
