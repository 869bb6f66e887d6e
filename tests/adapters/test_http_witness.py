"""What a witness over HTTP sends is read to its end, and no further than its bound."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from ringfence.adapters.witnesses.http import HttpWitness
from ringfence.core.audit.keys import COSIGNATURE, VerifierKey
from ringfence.ports.witness import Refused, Stale

KEY = VerifierKey("witness.example", COSIGNATURE, bytes(32))
TURNS = 50
"""Of the event loop, which client and witness share: enough for a piece to be read before the next one is written."""


@asynccontextmanager
async def witness(status: int, media_type: str, pieces: Sequence[bytes]) -> AsyncGenerator[HttpWitness]:
    """A client of a witness that answers in pieces, each read before the next one is written."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(status=status, headers={"content-type": media_type})
        await response.prepare(request)
        try:
            for piece in pieces:
                await response.write(piece)
                for _ in range(TURNS):
                    await asyncio.sleep(0)
        except aiohttp.ClientConnectionResetError:
            pass
        return response

    app = web.Application()
    app.router.add_post("/add-checkpoint", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    client = HttpWitness(f"http://{host}:{port}", KEY)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


async def test_an_answer_in_several_pieces_is_one_answer() -> None:
    async with witness(409, "text/x.tlog.size", [b"12", b"34", b"\n"]) as client:
        assert await client.add_checkpoint(0, (), "note") == Stale(1234)


async def test_an_answer_without_an_end_is_cut() -> None:
    async with witness(403, "text/plain", [b"no " * 30_000] * 1000) as client:
        found = await client.add_checkpoint(0, (), "note")
        assert isinstance(found, Refused)
        assert len(found.why) < 400
