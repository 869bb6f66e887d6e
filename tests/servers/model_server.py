"""A model API on loopback that does as it is told (tests/servers/model_script.py), and writes down what it did and billed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.servers.model_script import ERRORS, Script, error_body, message_of, overloaded, script_of, stream_of

MODELS = ("claude-opus-5-5", "claude-haiku-4-5-20251001")
GENERATES = "/v1/messages"


@dataclass(slots=True)
class Executed:
    """One request that reached the model."""

    method: str
    path: str
    headers: Mapping[str, str]
    digest: str
    """SHA-256 of the body, as it arrived."""
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    status: int = 0
    usage: dict[str, Any] = field(default_factory=dict[str, Any])
    """What is billed; empty: nothing."""
    events: int = 0
    """That carried content, and were written."""
    sent: int = 0
    """Bytes of the answer's body."""
    is_whole: bool = False
    """Whether the answer was given to its end."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def stream(self) -> bool:
        return self.body.get("stream") is True


@dataclass(slots=True)
class ModelServer:
    """One that is running."""

    url: str = ""
    key: str = ""
    """The only credential that is accepted, as key or bearer; empty: any."""
    executed: list[Executed] = field(default_factory=list[Executed])
    queue: list[Script] = field(default_factory=list[Script])
    """Answers to the next requests that bring no script of their own."""
    choose: Callable[[Executed], Script | None] | None = None
    """Which answer is next for a request, where one queue is not enough; None: the queue decides."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    """What answers that wait are waiting for."""
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when one does."""
    connections: int = 0
    batches: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    def generated(self) -> list[Executed]:
        """Those that a model answered, or began to."""
        return [each for each in self.executed if each.path == GENERATES and each.usage]

    def billed(self) -> dict[str, int]:
        """The sum of every count over all requests."""
        sums: dict[str, int] = {}
        for each in self.executed:
            for name, count in each.usage.items():
                if isinstance(count, int):
                    sums[name] = sums.get(name, 0) + count
        return sums

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        executed = Executed(method, target.partition("?")[0], headers, hashlib.sha256(body).hexdigest())
        self.executed.append(executed)
        try:
            executed.body = json.loads(body) if body else {}
            return await self._answer(executed, len(body), writer)
        finally:
            executed.ended.set()

    async def _answer(self, executed: Executed, size: int, writer: asyncio.StreamWriter) -> bool:
        given = executed.headers.get("x-api-key") or executed.headers.get("authorization", "").removeprefix("Bearer ")
        if self.key and given != self.key:
            return await _whole(executed, writer, 401, error_body("authentication_error", "invalid x-api-key"))
        script = script_of(executed.headers.get("x-model-script"), executed.body)
        if script == Script() and executed.path == GENERATES:
            chosen = self.choose(executed) if self.choose is not None else None
            script = chosen or (self.queue.pop(0) if self.queue else script)
        if script.is_error:
            error = error_body(script.error or ERRORS.get(script.status, "api_error"), f"scripted {script.status}")
            return await _whole(executed, writer, script.status, error, script.headers)
        if executed.path != GENERATES or executed.method != "POST":
            return await _whole(executed, writer, *self._beside(executed, size))
        model, id = str(executed.body.get("model")), f"msg_{len(self.executed):06d}"
        if executed.stream:
            return await self._stream(executed, script, writer, id, model, size // 4)
        executed.usage = script.bill(size // 4)
        await self._wait(script, 0)
        if script.cut_after is not None:
            return False
        return await _whole(executed, writer, 200, message_of(script, id, model, size // 4), script.headers)

    def _beside(self, executed: Executed, size: int) -> tuple[int, Any]:
        """What is not generating an answer."""
        match executed.method, executed.path.removeprefix("/v1/").split("/"):
            case "POST", ["messages", "count_tokens"]:
                return 200, {"input_tokens": size // 4}
            case "GET", ["models"]:
                return 200, {"data": [_model(each) for each in MODELS], "has_more": False, "first_id": None, "last_id": None}
            case "GET", ["models", name]:
                return 200, _model(name)
            case "POST", ["messages", "batches"]:
                return 200, self._new_batch(executed)
            case "GET", ["messages", "batches", id] if id in self.batches:
                return 200, self._batch(id)
            case "GET", ["messages", "batches", id, "results"] if id in self.batches:
                return 200, b"".join(json.dumps(line).encode() + b"\n" for line in self.batches[id])
            case _:
                return 404, error_body("not_found_error", "there is nothing here")

    def _new_batch(self, executed: Executed) -> dict[str, Any]:
        id, sums, lines = f"msgbatch_{len(self.batches):04d}", dict[str, int](), list[dict[str, Any]]()
        for entry in executed.body["requests"]:
            params = entry["params"]
            script = script_of(None, params)
            message = message_of(script, f"msg_{entry['custom_id']}", params["model"], len(json.dumps(params)) // 4)
            message["usage"]["service_tier"] = "batch"
            lines.append({"custom_id": entry["custom_id"], "result": {"type": "succeeded", "message": message}})
            for name, count in message["usage"].items():
                if isinstance(count, int):
                    sums[name] = sums.get(name, 0) + count
        self.batches[id] = lines
        executed.usage = dict(sums)
        return self._batch(id)

    def _batch(self, id: str) -> dict[str, Any]:
        counts = {"processing": 0, "succeeded": len(self.batches[id]), "errored": 0, "canceled": 0, "expired": 0}
        day = "2026-11-21T00:00:00Z"
        return {
            "id": id, "type": "message_batch", "processing_status": "ended", "request_counts": counts, "created_at": day,
            "expires_at": day, "ended_at": day, "archived_at": None, "cancel_initiated_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{id}/results",
        }  # fmt: skip

    async def _stream(
        self, executed: Executed, script: Script, writer: asyncio.StreamWriter, id: str, model: str, prompt: int
    ) -> bool:
        executed.status = 200
        await _head(writer, 200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **script.headers})
        for number, piece in enumerate(stream_of(script, id, model, prompt)):
            if number == script.close_after:
                return False
            if piece.is_part:
                if executed.events == script.error_after:
                    await self._write(executed, script, writer, overloaded(script))
                    break
                if executed.events == script.cut_after:
                    writer.transport.abort()
                    return False
                await self._wait(script, executed.events)
            # Billed as soon as it is made, whether or not anybody is still there to read it.
            executed.usage = script.bill(prompt, executed.events + piece.is_part)
            await self._write(executed, script, writer, piece.data)
            executed.events += piece.is_part
            if script.drip_s:
                await asyncio.sleep(script.drip_s)
        else:
            executed.is_whole = True
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _wait(self, script: Script, events: int) -> None:
        if events == script.wait_after:
            self.waiting.set()
            await self.go_on.wait()

    async def _write(self, executed: Executed, script: Script, writer: asyncio.StreamWriter, data: bytes) -> None:
        size = script.piece or len(data)
        for at in range(0, len(data), size):
            part = data[at : at + size]
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
            executed.sent += len(part)


def _model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}


async def _whole(
    executed: Executed, writer: asyncio.StreamWriter, status: int, body: Any, headers: Mapping[str, str] | None = None
) -> bool:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/x-jsonl" if isinstance(body, bytes) else "application/json"
    await _head(writer, status, {"content-type": kind, "content-length": str(len(data)), **(headers or {})})
    writer.write(data)
    await writer.drain()
    executed.status, executed.sent, executed.is_whole = status, len(data), True
    return True


async def _head(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str]) -> None:
    lines = [
        f"HTTP/1.1 {status} Scripted",
        *(f"{name}: {value}" for name, value in headers.items()),
        "request-id: req_scripted",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await writer.drain()


@asynccontextmanager
async def model_server(key: str = "") -> AsyncGenerator[ModelServer]:
    """One on a free port of 127.0.0.1; `key`: the credential that it insists on."""
    model = ModelServer(key=key)
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0, limit=1 << 20)
    host, port = server.sockets[0].getsockname()
    model.url = f"http://{host}:{port}"
    try:
        yield model
    finally:
        server.close()
        model.go_on.set()
        await model.close()
        await server.wait_closed()
