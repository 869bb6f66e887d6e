"""What a legacy server says outside the streams of the calls of one session.

Some servers put what they ask, and what they log, on the stream of a GET, although it belongs to a call. It is taken for the
only call under way in that session; where there are several, or none, nobody can tell whose it is, and it is declined.
Source: MCP 2025-11-25, basic/transports, "Listening for Messages from the Server".
"""

import asyncio
import logging

from ringfence.adapters.upstream.asked import NOT_OFFERED
from ringfence.adapters.upstream.http.back import BackChannel
from ringfence.adapters.upstream.http.channel import HttpChannel
from ringfence.adapters.upstream.http.sessions import Session
from ringfence.adapters.upstream.http.stream import Refused, follow
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import Notification, Request
from ringfence.adapters.wire.mcp import SSE_TYPE
from ringfence.errors import UnavailableError

logger = logging.getLogger(__name__)


def listening_headers(session: Session) -> dict[str, str]:
    """For the GET of a session."""
    return {**{key: value for key, value in session.headers.items() if key != "content-type"}, "accept": SSE_TYPE}


class Asides:
    """One stream for each session that has something to hear."""

    def __init__(self, channel: HttpChannel, back: BackChannel) -> None:
        self._channel = channel
        self._back = back

    async def open(self, session: Session, deadline: float) -> None:
        """Have the stream open before the call goes out; a server without one, or a slow one, does not hold the call."""
        if not session.has_aside:
            return
        if session.aside is None or session.aside.done():
            session.aside_opened.clear()
            session.aside = asyncio.create_task(self._hear(session))
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(deadline, now + self._channel.options.cancel_s)):
                await session.aside_opened.wait()
        except TimeoutError:
            logger.debug("the server is slow to open its stream")

    async def _hear(self, session: Session) -> None:
        opened = session.aside_opened.set
        try:
            await follow(self._channel, listening_headers(session), lambda message: self._take(session, message), opened=opened)
        except Refused as refused:
            session.has_aside = False
            logger.debug("the server offers no stream: %s", refused)
        except UnavailableError as error:
            logger.debug("%s", error)
        finally:
            opened()

    def _take(self, session: Session, message: Request | Notification) -> None:
        if isinstance(message, Notification) and message.method != "notifications/message":
            # Progress and withdrawals name what they belong to.
            for hearing in list(session.hearings):
                hearing.hear(message)
        elif len(session.hearings) == 1:
            next(iter(session.hearings)).hear(message)
        elif isinstance(message, Request):
            decline(message, session, self._back)


def decline(request: Request, session: Session, back: BackChannel) -> None:
    """Outside any call nobody can be asked, but a server may ask whether we are there."""
    if request.method == "ping":
        back.soon(jsonrpc.result(request.id, b"{}"), session)
    else:
        back.oddities["request outside any call"] += 1
        back.soon(jsonrpc.error(request.id, NOT_OFFERED.code, NOT_OFFERED.message), session)
