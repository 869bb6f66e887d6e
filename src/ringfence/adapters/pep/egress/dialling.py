"""From a host that may be reached to a socket: resolved once, judged, and the judged address dialled."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

from ringfence.adapters.pep.egress.gate import Dialler, Resolver
from ringfence.core.egress.addresses import judged, pinned
from ringfence.core.egress.opening import Refusal
from ringfence.core.model.egress import EgressRule

_MOST_TRIED = 4
_MOST_HOSTS = 4 * 1024 * 1024
"""Bytes of the file of names."""


class SystemResolver:
    """As the machine resolves names, but for its search list: that would make another name of one that is not found."""

    def __init__(self, hosts: Path = Path("/etc/hosts")) -> None:
        """`hosts`: names that the machine's administrator wrote down (hosts(5))."""
        self._hosts = hosts

    async def resolve(self, host: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        try:
            # A dot behind it keeps the search list out, and the file too, whose names have none.
            found = await loop.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
        except socket.gaierror:
            if written := await loop.run_in_executor(None, self._written_down, host):
                return written
            raise
        return [str(address[4][0]) for address in found]

    def _written_down(self, host: str) -> list[str]:
        try:
            with self._hosts.open("rb") as file:
                text = file.read(_MOST_HOSTS).decode("ascii", "replace")
        except OSError:
            return []
        lines = [line.partition("#")[0].lower().split() for line in text.splitlines()]
        return list(dict.fromkeys(line[0] for line in lines if host in line[1:]))


class SystemDialler:
    """TCP as the machine has it."""

    async def dial(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        dialled = socket.socket(family, socket.SOCK_STREAM)
        try:
            dialled.setblocking(False)
            dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(dialled, (address, port))
        except BaseException:
            dialled.close()
            raise
        return dialled


async def addresses_for(resolver: Resolver, rule: EgressRule) -> tuple[str, ...] | Refusal:
    """The addresses of a rule's host: those that the operator wrote down, or else what its name stands for now."""
    return pinned(rule.addresses) if rule.addresses else await addresses_of(resolver, rule.host, private=rule.private)


async def addresses_of(resolver: Resolver, host: str, *, private: bool) -> tuple[str, ...] | Refusal:
    """All addresses of the host, if each of them may be dialled."""
    try:
        answers = await resolver.resolve(host)
    except (OSError, UnicodeError) as error:
        return Refusal("unresolved", 502, f"the name could not be resolved: {type(error).__name__}")
    return judged(answers, private=private)


async def dialled(dialler: Dialler, addresses: Sequence[str], port: int) -> socket.socket | Refusal:
    """A connection to the first address that answers."""
    why = "nothing to dial"
    for address in addresses[:_MOST_TRIED]:
        try:
            return await dialler.dial(address, port)
        except OSError as error:
            why = f"{address}: {type(error).__name__}"
    return Refusal("unreachable", 502, why)
