"""Asking Linux which local user is at the other end of a connection.

Source: unix(7), SO_PEERCRED; proc_pid_net(5), /proc/net/tcp.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ringfence.adapters.pep.mcp_gateway.peer import Listener, Peer
from ringfence.adapters.pep.mcp_gateway.tls import certificate_of

_UCRED = struct.Struct("3i")
_TABLE = Path("/proc/net/tcp")
_LOOPBACK = "127."

PeerUidOf = Callable[[asyncio.Transport], int | None]


def local_peer(transport: asyncio.Transport, tcp_uid_of: PeerUidOf) -> Peer:
    """The peer of a new connection: by credentials over a unix socket, by the given look-up over TCP."""
    connection: Any = transport.get_extra_info("socket")
    if connection is not None and connection.family == socket.AF_UNIX:
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        _, uid, _ = _UCRED.unpack(raw)
        return Peer(Listener.UNIX, uid)
    return Peer(Listener.TCP, tcp_uid_of(transport), loopback=_is_local(transport), certificate=certificate_of(transport))


def tcp_uid_of(transport: asyncio.Transport) -> int | None:
    """The user who owns the other end of a loopback IPv4 connection, as the kernel lists it; None for anybody else."""
    here, there = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    if not _is_loopback(here) or not _is_loopback(there):
        return None
    wanted = (_entry(there), _entry(here))
    try:
        lines = _TABLE.read_text("ascii").splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        fields = line.split()
        if len(fields) > 7 and (fields[1], fields[2]) == wanted:
            return int(fields[7])
    return None


def _is_local(transport: asyncio.Transport) -> bool:
    return all(_is_loopback(transport.get_extra_info(end)) for end in ("sockname", "peername"))


def _is_loopback(address: Any) -> bool:
    return isinstance(address, tuple | list) and len(address) == 2 and str(address[0]).startswith(_LOOPBACK)


def _entry(address: Any) -> str:
    """An address as the kernel prints it: the IPv4 address as a native integer, both in upper-case hex."""
    number = struct.unpack("=I", socket.inet_aton(address[0]))[0]
    return f"{number:08X}:{int(address[1]):04X}"
