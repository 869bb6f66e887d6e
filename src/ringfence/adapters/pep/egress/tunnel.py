"""A connection that passes as it is, once it has asked for the host that it was opened for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from ringfence.adapters.pep.egress.splice import Splice
from ringfence.adapters.pep.egress.wire import Wire
from ringfence.core.egress.client_hello import MOST, Hello, asks_again, hello_of, judged
from ringfence.core.egress.opening import Refusal

_MOST_ANSWER = 64 * 1024


async def first_flight(wire: Wire, host: str, *, sees_inside: bool, retried: bool = False) -> bytes | Refusal:
    """What the client says first, once it asks for this host; what has come behind it stays unread. Raises OSError."""
    data = b""
    while True:
        piece = await wire.read()
        if not piece:
            return Refusal("client_hello", 403, "the connection ended before a whole ClientHello")
        data += piece
        hello = hello_of(data, retried=retried)
        if isinstance(hello, Hello):
            wire.unread(data[hello.size :])
            return judged(hello, host, sees_inside=sees_inside) or data[: hello.size]
        if hello is not None:
            return hello
        assert len(data) <= MOST  # INVARIANT: beyond it, hello_of refuses


async def opened(wire: Wire, outside: socket.socket, host: str, moved: Callable[[int, int], bool]) -> Refusal | None:
    """Hand the first flights on. A server may ask for a second one, which could name another host: it is judged too.

    Nothing behind the first is handed on before the server has answered: it would take a second hello from there.

    Raises OSError.
    """
    loop = asyncio.get_running_loop()
    flight = await first_flight(wire, host, sees_inside=False)
    if isinstance(flight, Refusal):
        return flight
    if not moved(len(flight), 0):
        return Refusal("budget", 403, "over the budget")
    await loop.sock_sendall(outside, flight)
    answer = b""
    while (again := asks_again(answer)) is None and len(answer) < _MOST_ANSWER:
        piece = await loop.sock_recv(outside, _MOST_ANSWER)
        if not piece:
            break
        answer += piece
    wire.write(answer)
    if not moved(0, len(answer)):
        return Refusal("budget", 403, "over the budget")
    if not again:
        return None
    second = await first_flight(wire, host, sees_inside=False, retried=True)
    if isinstance(second, Refusal):
        return second
    if not moved(len(second), 0):
        return Refusal("budget", 403, "over the budget")
    await loop.sock_sendall(outside, second)
    return None


async def spliced(wire: Wire, outside: socket.socket, moved: Callable[[int, int], bool], scratch: bytearray) -> Splice:
    """Everything after that. Raises OSError."""
    box, data = await wire.take_socket()
    splice = Splice(box, outside, moved, scratch)
    splice.push(data)
    return splice
