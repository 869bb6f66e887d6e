"""A model API that streams as fast as it is read, or at a pace: `python -m bench.model.server --port 0`.

What it answers is said by the request, in a beta of its own, which the gateway passes on. Every event is a chunk and a
write of its own, as a model's are; nothing is computed while it streams, so that it is not what is measured.
"""

import argparse
import asyncio
import json
import re
from typing import Final, cast

from bench.model.streams import ASKED

HIGH_WATER: Final = 1 << 17
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ASKED: Final = re.compile(rb"\r\nanthropic-beta: *" + ASKED.encode() + rb"-(\d+)-(\d+)-(\d+)", re.IGNORECASE)
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_bench\r\ntransfer-encoding: chunked\r\n\r\n"
)


def event(kind: str, **members: object) -> bytes:
    """One event, framed as a chunk."""
    data = f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def _beginning() -> bytes:
    message = {
        "id": "msg_bench", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1},
    }  # fmt: skip
    return event("message_start", message=message) + event(
        "content_block_start", index=0, content_block={"type": "text", "text": ""}
    )


def _end(events: int) -> bytes:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    totals = event("message_delta", delta=delta, usage={"output_tokens": events})
    return event("content_block_stop", index=0) + totals + event("message_stop") + b"0\r\n\r\n"


class Answering(asyncio.Protocol):
    """One connection."""

    answers = 0

    def __init__(self, texts: dict[int, bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._texts = texts
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._left = self._events = 0
        self._text = b""
        self._gap_s = 0.0
        self._next: asyncio.Handle | None = None
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._next is not None:
            self._next.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._buffer, 0, end + 2) if end >= 0 else None
        if length is None or len(self._buffer) < end + 4 + int(length[1]):
            return
        asked = _ASKED.search(self._buffer, 0, end + 2)
        assert asked is not None, "a request that is not the bench's"
        self._buffer = b""
        events, size, gap_ms = (int(each) for each in asked.groups())
        self._events = self._left = events
        self._gap_s = gap_ms / 1000
        if size not in self._texts:
            self._texts[size] = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * size})
        self._text = self._texts[size]
        assert self._transport is not None
        self._transport.write(_HEAD + _beginning() + self._first())
        self._again()

    def _first(self) -> bytes:
        """A word that no other answer has: who says the same again and again is taken for one that goes in circles."""
        Answering.answers += 1
        word = "".join(chr(ord("a") + int(digit)) for digit in str(Answering.answers))
        return event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._again()

    def _again(self) -> None:
        if self._next is not None:
            self._next.cancel()
        # At a pace, or in turn with all other streams.
        self._next = self._loop.call_later(self._gap_s, self._step) if self._gap_s else self._loop.call_soon(self._step)

    def _step(self) -> None:
        self._next = None
        if self._transport is None or self._is_paused:
            return
        if self._left:
            self._left -= 1
            self._transport.write(self._text)
            if not self._is_paused:
                self._again()
        else:
            self._transport.write(_end(self._events))


async def serve(port: int) -> None:
    texts: dict[int, bytes] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Answering(texts), "127.0.0.1", port, backlog=1024)
    print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))
