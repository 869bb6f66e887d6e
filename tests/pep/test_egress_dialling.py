"""From a name to a socket, on this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from ringfence.adapters.pep.egress.dialling import SystemDialler, SystemResolver, addresses_of, dialled
from ringfence.core.egress.opening import Refusal


async def test_the_machines_resolver_knows_its_own_names_and_the_judge_refuses_them() -> None:
    assert "127.0.0.1" in await SystemResolver().resolve("localhost")
    refusal = await addresses_of(SystemResolver(), "localhost", private=True)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "address"


async def test_a_name_that_does_not_exist_is_unresolved() -> None:
    class Nowhere:
        async def resolve(self, host: str) -> Sequence[str]:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")

    refusal = await addresses_of(Nowhere(), "gone.example", private=False)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.status) == ("unresolved", 502)


async def test_the_first_address_that_answers_is_taken() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = await dialled(SystemDialler(), ["127.0.0.2", "127.0.0.1"], port)
    assert isinstance(made, socket.socket)
    assert made.getpeername() == ("127.0.0.1", port)
    made.close()
    server.close()


async def test_an_address_that_nobody_answers_at_is_unreachable() -> None:
    refusal = await dialled(SystemDialler(), ["127.0.0.1"], 1)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.status) == ("unreachable", 502)


async def test_a_failed_dial_leaves_no_socket_behind() -> None:
    with pytest.raises(ConnectionRefusedError):
        await SystemDialler().dial("::1", 1)
