"""A stream of events without an end: a GET of a legacy session, or a modern `subscriptions/listen`."""

import asyncio
from collections.abc import Callable, Mapping

import aiohttp
from aiohttp import hdrs

from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http.channel import MAX_REFUSAL, NO_CONNECTION, HttpChannel, refusal
from ringfence.adapters.upstream.rate import Rate
from ringfence.adapters.upstream.stream_body import StreamBody
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Id, Notification, Request, Result, classify, same_id
from ringfence.adapters.wire.mcp import JSON_TYPE, SSE_TYPE
from ringfence.adapters.wire.sse import SseParser
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError, UnavailableError

PER_SECOND = 1000
"""Messages; a server that sends more is left."""

Hear = Callable[[Request | Notification], None]


class Refused(Exception):
    """The server opened no stream. Never leaves this package."""

    def __init__(self, status: int, answer: ErrorAnswer | None) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.answer = answer


async def follow(
    channel: HttpChannel,
    headers: Mapping[str, str],
    hear: Hear,
    *,
    body: GuardedBody | None = None,
    identity: Id | None = None,
    opened: Callable[[], None] | None = None,
) -> Result | ErrorAnswer:
    """Hear everything that comes, however long that takes. An idle stream is fine; one event is bounded as in a call.

    Without a body it is a GET, else a POST that `identity` belongs to. Answers the final answer of such a POST.
    Raises Refused; UnavailableError when the stream is lost or misused.
    """
    options, begun = channel.options, asyncio.get_running_loop().time()
    verb = hdrs.METH_GET if body is None else hdrs.METH_POST
    data = None if body is None else StreamBody(body)
    headers = await channel.secrets.joined(headers)
    try:
        async with channel.streams().request(verb, options.url, data=data, headers=headers, allow_redirects=False) as response:
            kind = response.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
            if response.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
                raise UnavailableError("the server's stream is compressed")
            if response.status != 200 or kind != SSE_TYPE:
                async with asyncio.timeout(options.answer_s):
                    said = await _whole(response) if kind == JSON_TYPE else b""
                raise Refused(response.status, refusal(said, identity))
            if opened is not None:
                opened()
            return await _read(response, SseParser(options.max_event), hear, identity)
    except NO_CONNECTION as error:
        channel.reach.failed(error, asyncio.get_running_loop().time() - begun)
        raise UnavailableError(f"no connection was made ({type(error).__name__})") from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise UnavailableError(f"the server's stream was lost ({type(error).__name__})") from error
    except RequestError as error:
        raise UnavailableError(f"the server's stream cannot be read: {error}") from error


async def _read(response: aiohttp.ClientResponse, parser: SseParser, hear: Hear, identity: Id | None) -> Result | ErrorAnswer:
    rate = Rate(PER_SECOND, asyncio.get_running_loop().time)
    async for chunk in response.content.iter_any():
        for event in parser.feed(chunk):
            if not rate.allows():
                raise UnavailableError("the server floods its stream")
            if event.name != "message" or not event.data:
                continue
            message = classify(parse_strict(event.data))
            if isinstance(message, Request | Notification):
                hear(message)
            elif identity is not None and same_id(message.id, identity):
                return message
            else:
                raise UnavailableError("the server answered another request on its stream")
    raise UnavailableError("the server ended its stream")


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body of a refusal. Raises RequestError where it is larger than one may be."""
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > MAX_REFUSAL:
            raise RequestError("the server's answer is too large")
    return bytes(data)
