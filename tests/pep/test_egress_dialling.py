"""From a name to a socket, on this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from ringfence.adapters.pep.egress.dialling import SystemDialler, SystemResolver, addresses_of, dialled
from ringfence.core.egress.opening import Refusal


async def test_the_machines_resolver_knows_its_own_names_and_the_judge_refuses_them() -> None:
    assert "127.0.0.1" in await SystemResolver().resolve("localhost")
    refusal = await addresses_of(SystemResolver(), "localhost", private=True)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "address"


async def test_names_that_are_written_down_are_known_and_no_other_is_made_of_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def nowhere(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    hosts = tmp_path / "hosts"
    hosts.write_text(
        "# 192.0.2.1 api.example.com\n192.0.2.2\tindex.example.com Api.example.com # ours\n2001:db8::2 api.example.com\n"
    )
    resolver = SystemResolver(hosts)
    assert await resolver.resolve("api.example.com") == ["192.0.2.2", "2001:db8::2"]
    with pytest.raises(OSError, match="no such name"):
        await resolver.resolve("other.example.com")
    assert asked == ["api.example.com.", "other.example.com."]


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
