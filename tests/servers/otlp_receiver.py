"""A collector: the OTLP/HTTP trace service with the protocol's own types, on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATIENCE_S = 20


@dataclass
class Collector:
    """What arrived. `statuses` are answered one after the other before it takes anything."""

    port: int = 0
    spans: list[Span] = field(default_factory=list[Span])
    requests: list[ExportTraceServiceRequest] = field(default_factory=list[ExportTraceServiceRequest])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    statuses: list[int] = field(default_factory=list[int])
    refused: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert request.headers["content-type"] == "application/x-protobuf"
        if self.statuses:
            self.refused += 1
            self._changed.set()
            return web.Response(status=self.statuses.pop(0))
        export = ExportTraceServiceRequest.FromString(body)
        self.requests.append(export)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        for of_resource in export.resource_spans:
            for of_scope in of_resource.scope_spans:
                self.spans += of_scope.spans
        self._changed.set()
        return web.Response(body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf")

    async def until(self, spans: int = 0, *, refused: int = 0) -> list[Span]:
        """Once so many spans have arrived, and so many requests were refused."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.spans) < spans or self.refused < refused:
                self._changed.clear()
                await self._changed.wait()
        return self.spans

    async def named(self, *names: str) -> dict[str, Span]:
        """The newest span of each name, once all have arrived."""
        async with asyncio.timeout(PATIENCE_S):
            while not set(names) <= {span.name for span in self.spans}:
                self._changed.clear()
                await self._changed.wait()
        return {span.name: span for span in self.spans}


@asynccontextmanager
async def collector() -> AsyncGenerator[Collector]:
    """It runs for the length of the block."""
    running = Collector()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/traces", running.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    running.port = runner.addresses[0][1]
    try:
        yield running
    finally:
        await runner.cleanup()


def attributes(span: Span) -> dict[str, str | int | bool | list[str]]:
    """Of one span, as plain values."""
    return {each.key: _plain(each.value) for each in span.attributes}


def _plain(value: AnyValue) -> str | int | bool | list[str]:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "array_value":
            return [each.string_value for each in value.array_value.values]
        case other:
            raise AssertionError(f"nobody sends {other}")
