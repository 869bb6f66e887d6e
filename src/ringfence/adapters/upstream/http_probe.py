"""Which era a server over HTTP belongs to."""

from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http_channel import HttpChannel
from ringfence.adapters.upstream.http_sessions import BASE_HEADERS, always
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.mcp import Era, era_from, modern_headers, modern_meta
from ringfence.core.canonical import canonical_bytes
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import NotSent, Unknown

METHOD = "server/discover"


async def era_of(channel: HttpChannel, deadline: float) -> Era:
    """Ask once with `server/discover`.

    A time-out, a broken connection or a refused credential is an outage and no era: UnavailableError. Every other answer
    that does not prove the modern era means that the older handshake has to be tried.
    """
    identity = channel.next_id()
    body = GuardedBody(jsonrpc.request(identity, METHOD, canonical_bytes({"_meta": modern_meta()})), always)
    headers = {**BASE_HEADERS, **modern_headers(METHOD)}
    received = await channel.post(headers, body, identity=identity, deadline=deadline)
    if isinstance(received, NotSent | Unknown):
        raise UnavailableError(f"the server cannot be reached: {received.why}")
    if received.status in (401, 403):
        raise UnavailableError("the server does not accept the gateway's credential")
    return era_from(received.message)
