"""The gateway's own HTTP client: where a response ends, what is no answer, and who gets a connection next."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http.channel import HttpChannel, Received
from ringfence.adapters.upstream.http.url import Place
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.ports.upstream import NotSent, Unknown

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{}}'
HALVES = (ANSWER[:5], len(ANSWER) - 5, ANSWER[5:])
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
KIND = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


class Server:
    """Answers each request of each connection with what the test says."""

    def __init__(self, *answers: bytes, close_after: bool = False) -> None:
        self.answers = list(answers)
        self.close_after = close_after
        self.connections = 0
        self.requests: list[bytes] = []
        self.port = 0

    @asynccontextmanager
    async def channel(self, **options: float) -> AsyncGenerator[HttpChannel]:
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            channel = HttpChannel(HttpOptions(url=f"http://127.0.0.1:{self.port}/mcp?a=b", **options))  # pyright: ignore[reportArgumentType]
            try:
                yield channel
            finally:
                await channel.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
                if self.close_after:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def soon(seconds: float = 10) -> float:
    return asyncio.get_running_loop().time() + seconds


async def ask(channel: HttpChannel, *, seconds: float = 10) -> Received | NotSent | Unknown:
    return await channel.post({"mcp-method": "x"}, GuardedBody(b"{}", lambda: True), identity=1, deadline=soon(seconds))


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + WHOLE,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + WHOLE,
        KIND + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(ANSWER), ANSWER),
        KIND + b"transfer-encoding: chunked\r\n\r\n5\r\n%b\r\n%x\r\n%b\r\n0\r\nx: y\r\n\r\n" % HALVES,
    ],
    ids=["length", "one interim response", "two interim responses", "chunked", "chunks with trailers"],
)
async def test_a_response_is_read_to_its_end_and_its_connection_kept(answer: bytes) -> None:
    server = Server(answer)
    async with server.channel() as channel:
        for _ in range(3):
            received = await ask(channel)
            assert isinstance(received, Received)
            assert received.status == 200
    assert server.connections == 1
    assert server.requests[0].startswith(b"POST /mcp?a=b HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % server.port)


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    server = Server(KIND + b"\r\n" + ANSWER, close_after=True)
    async with server.channel() as channel:
        assert isinstance(await ask(channel), Received)
        assert isinstance(await ask(channel), Received)
    assert server.connections == 2


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 ",
        KIND + b"x: ",
        KIND + b"transfer-encoding: chunked\r\n\r\n5;",
        KIND + b"transfer-encoding: chunked\r\n\r\n5\r\n" + ANSWER[:5] + b"\r\n0\r\nx: ",
    ],
)
async def test_a_line_that_never_ends_is_not_kept_until_the_deadline(begun: bytes) -> None:
    server = Server(begun + b"y" * 1_000_000)
    async with server.channel() as channel:
        reply = await ask(channel)
    assert isinstance(reply, Unknown)
    assert "what surrounds the body of the server's answer is too large" in reply.why


@pytest.mark.parametrize(
    "answer, why",
    [
        (KIND + b"content-length: 99\r\n\r\n" + ANSWER, "the connection failed"),
        (KIND + b"transfer-encoding: chunked\r\n\r\n5\r\n" + ANSWER[:5], "the connection failed"),
        (KIND[:20], "the connection failed"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        (KIND + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "not HTTP"),
        (KIND + b"content-length: 5\r\ncontent-length: 6\r\n\r\nxxxxxx", "not HTTP"),
        (KIND + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "transfer encoding"),
        (KIND + b"x: " + b"y" * 70_000 + b"\r\n\r\n", "headers of the server's answer are too large"),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "switched protocols"),
    ],
)
async def test_what_is_no_whole_answer_leaves_the_outcome_unknown(answer: bytes, why: str) -> None:
    server = Server(answer, close_after=True)
    async with server.channel() as channel:
        reply = await ask(channel)
    assert isinstance(reply, Unknown)
    assert why in reply.why
    assert len(server.requests) == 1


async def test_what_a_server_sends_unasked_is_never_taken_for_the_next_answer() -> None:
    forged = WHOLE.replace(b'"result":{}', b'"result":{"a":1}').replace(b"Length: 36", b"Length: 41")
    server = Server(WHOLE + forged, WHOLE)
    async with server.channel() as channel:
        await ask(channel)
        received = await ask(channel)
    assert isinstance(received, Received)
    assert received.message is not None
    assert received.message == (await _plain())
    assert server.connections == 2


async def _plain() -> object:
    async with Server(WHOLE).channel() as channel:
        received = await ask(channel)
    assert isinstance(received, Received)
    return received.message


async def test_those_who_wait_for_a_connection_get_it_in_order_and_all_of_them() -> None:
    server = Server(WHOLE)
    done: list[int] = []

    async def one(number: int, channel: HttpChannel) -> None:
        assert isinstance(await ask(channel), Received)
        done.append(number)

    async with server.channel(max_connections=1) as channel:
        async with asyncio.timeout(10):
            await asyncio.gather(*(one(number, channel) for number in range(20)))
    assert done == list(range(20))
    assert server.connections == 1


async def test_who_gives_up_waiting_leaves_the_connection_to_the_next() -> None:
    server = Server(WHOLE)
    async with server.channel(max_connections=1) as channel, asyncio.timeout(10):
        tasks = [asyncio.create_task(ask(channel)) for _ in range(6)]
        await asyncio.sleep(0)
        for task in tasks[1:5]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], Received)
    assert isinstance(results[5], Received)


async def test_a_server_that_is_not_there_is_not_waited_for_and_its_place_is_given_back() -> None:
    server = Server(WHOLE)
    async with server.channel():
        port = server.port
    channel = HttpChannel(HttpOptions(url=f"http://127.0.0.1:{port}/mcp", max_connections=1))
    for _ in range(3):
        reply = await ask(channel)
        assert isinstance(reply, NotSent)
        assert "before anything was sent" in reply.why
    await channel.close()


async def test_nothing_is_sent_after_the_end() -> None:
    server = Server(WHOLE)
    async with server.channel() as channel:
        await ask(channel)
        await channel.close()
        reply = await ask(channel)
    assert reply == NotSent("the upstream is closed before anything was sent")


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nx: y", "a\rb", "a\0b"])
async def test_a_header_never_becomes_two(value: str) -> None:
    server = Server(WHOLE)
    async with server.channel() as channel:
        body = GuardedBody(b"{}", lambda: True)
        reply = await channel.post({"mcp-name": value}, body, identity=1, deadline=soon())
    assert isinstance(reply, NotSent)
    assert server.requests == []


@pytest.mark.parametrize(
    "url, place",
    [
        ("http://h/mcp", Place(False, "h", 80, "h", "/mcp")),
        ("https://h:443/", Place(True, "h", 443, "h", "/")),
        ("https://H.example:8443", Place(True, "h.example", 8443, "h.example:8443", "/")),
        ("http://[::1]:80/a", Place(False, "::1", 80, "[::1]", "/a")),
        (
            "http://ö.example/ä?q=ö%20#",
            Place(False, "xn--nda.example", 80, "xn--nda.example", "/%C3%A4?q=%C3%B6%20"),
        ),
        ("http://h/a%2Fb?x=1&y=%26", Place(False, "h", 80, "h", "/a%2Fb?x=1&y=%26")),
    ],
)
def test_where_a_url_leads(url: str, place: Place) -> None:
    assert Place.of(url) == place
