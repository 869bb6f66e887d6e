"""HTTP on loopback, as little of it as a trial of a client needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

_MOST: Final = 16 << 20
"""Bytes of a body that are read at most; a client's first request has 50 KB."""
_PATIENCE_S: Final = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `target` is as it was sent: whole to a proxy, a path to a server."""

    method: str
    target: str
    authorization: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: bytes = b"{}"
    kind: str = "application/json"


Answering = Callable[[Asked], Answer]


@contextmanager
def served(answering: Answering) -> Generator[int]:
    """Serve on a free port of 127.0.0.1 while the block runs; its number. `answering` is called from many threads."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _PATIENCE_S

        def answer(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(min(size, _MOST))
            given = answering(Asked(self.command, self.path, self.headers.get("authorization") or "", body))
            head = f"HTTP/1.1 {given.status} Answer\r\ncontent-type: {given.kind}\r\ncontent-length: {len(given.body)}\r\n\r\n"
            self.wfile.write(head.encode() + given.body)

        do_GET = do_POST = do_HEAD = do_DELETE = do_CONNECT = answer

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away is no news."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
