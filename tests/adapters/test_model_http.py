"""Speaking to a model API: the operator's credential in, nothing followed, nothing sent twice."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from ringfence.adapters.models.http import HttpModel, ModelOptions
from ringfence.errors import ConfigError, UnavailableError
from ringfence.ports.model_upstream import Lost, ModelAnswer, ModelPost, Unsent

POST = ModelPost(
    method="POST",
    target="/v1/messages?beta=true",
    headers=(("content-type", "application/json"), ("x-api-key", "of the client")),
    body=b'{"a": 1.50}',
)
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Headers:
    """Implements `ports.secrets.LateValues`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.doubts = 0
        self.is_missing = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.values)

    def fresh(self) -> Mapping[str, str] | None:
        return None

    async def read(self) -> Mapping[str, str]:
        if self.is_missing:
            raise UnavailableError("`env:KEY` is not set")
        return self.values

    def doubt(self) -> None:
        self.doubts += 1


class Api:
    """A server that answers each request with the same bytes, and remembers what came."""

    def __init__(self, answer: bytes, *, closes: bool) -> None:
        self._answer = answer
        self._closes = closes
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                writer.write(self._answer)
                if self._closes:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def api(answer: bytes = OK, *, closes: bool = False) -> AsyncGenerator[Api]:
    served = Api(answer, closes=closes)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    served.url = f"http://{host}:{port}"
    try:
        yield served
    finally:
        server.close()


@asynccontextmanager
async def upstream(url: str, headers: Headers | None = None, silence_s: float = 10.0) -> AsyncGenerator[HttpModel]:
    model = HttpModel(ModelOptions(url=url, headers=headers, silence_s=silence_s))
    try:
        yield model
    finally:
        await model.close()


async def drained(answer: ModelAnswer) -> None:
    while await answer.read():
        pass


def always(answer: bool) -> Callable[[], bool]:
    return lambda: answer


async def test_the_body_goes_out_byte_for_byte_with_the_upstreams_own_credential() -> None:
    async with api() as served, upstream(f"{served.url}/base/", Headers({"X-Api-Key": "real"})) as model:
        answer = await model.send(POST, always(True))
        assert not isinstance(answer, Lost | Unsent)
        assert (answer.status, await answer.read(), await answer.read()) == (200, b"{}", b"")
        answer.close()
        (request,) = served.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /base/v1/messages?beta=true HTTP/1.1\r\n")
    assert b"x-api-key: real" in head
    assert b"of the client" not in head
    assert b"accept-encoding: identity" in head
    assert body == POST.body


async def test_nothing_leaves_after_a_stop_or_without_the_credential() -> None:
    headers = Headers({"x-api-key": "real"})
    async with api() as served, upstream(served.url, headers) as model:
        assert isinstance(await model.send(POST, always(False)), Unsent)
        headers.is_missing = True
        found = await model.send(POST, always(True))
        assert isinstance(found, Unsent)
        assert "env:KEY" in found.why
        assert served.requests == []


async def test_a_server_that_is_not_there_got_nothing() -> None:
    async with api() as served:
        url = served.url
    async with upstream(url) as model:
        assert isinstance(await model.send(POST, always(True)), Unsent)


async def test_a_request_without_an_answer_is_lost_and_not_sent_again() -> None:
    async with api(b"", closes=True) as served, upstream(served.url) as model:
        assert isinstance(await model.send(POST, always(True)), Lost)
        assert len(served.requests) == 1


async def test_a_redirect_is_not_followed_and_an_encoded_answer_stays_encoded() -> None:
    moved = b"HTTP/1.1 307 Moved\r\nlocation: http://elsewhere.example/\r\ncontent-length: 0\r\n\r\n"
    async with api(moved) as served, upstream(served.url) as model:
        answer = await model.send(POST, always(True))
        assert not isinstance(answer, Lost | Unsent)
        assert answer.status == 307
        answer.close()
    packed = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00"
    async with api(packed) as served, upstream(served.url) as model:
        answer = await model.send(POST, always(True))
        assert not isinstance(answer, Lost | Unsent)
        assert await answer.read() == b"\x1f\x8b\x08\x00"
        answer.close()


async def test_an_answer_that_breaks_off_says_so() -> None:
    half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"
    async with api(half, closes=True) as served, upstream(served.url) as model:
        answer = await model.send(POST, always(True))
        assert not isinstance(answer, Lost | Unsent)
        with pytest.raises(UnavailableError):
            await drained(answer)
        answer.close()


async def test_silence_ends_an_answer() -> None:
    begun = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    async with api(begun) as served, upstream(served.url, silence_s=0.05) as model:
        answer = await model.send(POST, always(True))
        assert not isinstance(answer, Lost | Unsent)
        with pytest.raises(UnavailableError):
            await drained(answer)
        answer.close()


async def test_a_credential_that_is_refused_is_looked_up_anew() -> None:
    headers = Headers({"x-api-key": "old"})
    refused = b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"
    async with api(refused) as served, upstream(served.url, headers) as model:
        answer = await model.send(POST, always(True))
        assert not isinstance(answer, Lost | Unsent)
        answer.close()
    assert headers.doubts == 1


@pytest.mark.parametrize(
    "url", ["ftp://a.example", "https://", "https://u:p@a.example", "https://a.example/?k=v", "https://a:b"]
)
def test_a_url_that_cannot_be_an_upstream_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        HttpModel(ModelOptions(url=url))


async def test_a_connection_is_kept_for_the_next_request_and_not_after_an_answer_that_broke_off() -> None:
    connections = 0

    class Counted(Api):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await super().serve(reader, writer)

    served = Counted(OK, closes=False)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with upstream(f"http://{host}:{port}") as model:
        for _ in range(3):
            answer = await model.send(POST, always(True))
            assert not isinstance(answer, Lost | Unsent)
            await drained(answer)
            answer.close()
        assert connections == 1
        half = await model.send(POST, always(True))
        assert not isinstance(half, Lost | Unsent)
        half.close()  # nothing of it was read, but it had come: it is as whole as the others
        again = await model.send(POST, always(True))
        assert not isinstance(again, Lost | Unsent)
        again.close()
    server.close()
    assert len(served.requests) == 5


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 80_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: a\r\n" * 20_000,
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"this is no HTTP\r\n\r\n",
    ],
)
async def test_an_answer_that_is_no_http_or_has_an_endless_head_is_lost(answer: bytes) -> None:
    async with api(answer) as served, upstream(served.url, silence_s=5.0) as model:
        assert isinstance(await model.send(POST, always(True)), Lost)


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK
    async with api(early) as served, upstream(served.url) as model:
        answer = await model.send(POST, always(True))
        assert not isinstance(answer, Lost | Unsent)
        assert (answer.status, "link" in answer.headers, await answer.read()) == (200, False, b"{}")
        answer.close()


async def test_what_nobody_asked_for_is_never_taken_for_the_next_answer() -> None:
    async with api(OK + OK) as served, upstream(served.url) as model:
        for _ in range(3):
            answer = await model.send(POST, always(True))
            if not isinstance(answer, Lost | Unsent):
                answer.close()
    # Each answer was followed by one too many, so no connection was used again.
    assert len(served.requests) == 3


async def test_the_end_of_a_connection_ends_an_answer_without_a_length() -> None:
    async with api(b"HTTP/1.1 200 OK\r\n\r\nwhole", closes=True) as served, upstream(served.url) as model:
        answer = await model.send(POST, always(True))
        assert not isinstance(answer, Lost | Unsent)
        found = b""
        while piece := await answer.read():
            found += piece
        assert found == b"whole"
        answer.close()


async def test_a_server_is_not_read_further_than_anybody_takes() -> None:
    large = 64 << 20
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % large
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while sent < large:
            writer.write(bytes(1 << 16))
            sent += 1 << 16
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with upstream(f"http://{host}:{port}") as model:
        answer = await model.send(POST, always(True))
        assert not isinstance(answer, Lost | Unsent)
        before, now = -1, 0
        while now != before:  # until the sockets in between are full and the server waits
            before = now
            for _ in range(200):
                await asyncio.sleep(0)
            now = sent
        assert sent < large
        found = 0
        while piece := await answer.read():
            found += len(piece)
        assert found == large
        answer.close()
    server.close()


@pytest.mark.requirement("I6")
async def test_nothing_more_leaves_once_the_sending_is_cancelled() -> None:
    got = 0
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        try:
            await reader.readuntil(b"\r\n\r\n")
            begun.set()
            await go_on.wait()
            while data := await reader.read(1 << 16):
                got += len(data)
        except ConnectionError:
            pass
        gone.set()
        writer.close()

    begun, go_on = asyncio.Event(), asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 16)
    host, port = server.sockets[0].getsockname()
    size = 32 << 20
    async with upstream(f"http://{host}:{port}") as model:
        post = ModelPost(method="POST", target="/v1/messages", body=bytes(size))
        sending = asyncio.ensure_future(model.send(post, always(True)))
        await begun.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        go_on.set()
        await gone.wait()
    server.close()
    assert got < size


async def test_a_header_that_would_be_two_lines_is_not_sent() -> None:
    async with api() as served, upstream(served.url) as model:
        for headers, target in (((("user-agent", "a\r\nx-api-key: b"),), "/v1"), ((), "/v1 HTTP/1.1\r\nx: y"), ((), "/v1\0")):
            post = ModelPost(method="POST", target=target, headers=headers)
            assert isinstance(await model.send(post, always(True)), Unsent)
        assert served.requests == []


async def test_more_requests_at_once_than_it_has_connections_for_are_not_sent() -> None:
    begun = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with api(begun) as served:
        model = HttpModel(ModelOptions(url=served.url, connections=1))
        first = await model.send(POST, always(True))
        assert not isinstance(first, Lost | Unsent)
        assert isinstance(await model.send(POST, always(True)), Unsent)
        first.close()
        await asyncio.sleep(0)
        third = await model.send(POST, always(True))
        assert not isinstance(third, Lost | Unsent)
        third.close()
        await model.close()
        assert isinstance(await model.send(POST, always(True)), Unsent)
