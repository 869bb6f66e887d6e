"""Spans as OTLP says them, in the protocol's own protobuf types. Loaded only where traces are sent: they are an extra's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp

from ringfence.adapters.telemetry.span import Attribute, Span

NS: Final = 1_000_000
"""Nanoseconds in a millisecond."""
SAMPLED: Final = 0x01
HAS_IS_REMOTE: Final = 0x100
IS_REMOTE: Final = 0x200
"""SpanFlags of OTLP: whether it is known that the parent is in another process, and whether it is."""


def encoded(spans: Sequence[Span], resource: Mapping[str, str], version: str) -> bytes:
    """One request of the OTLP trace service."""
    return ExportTraceServiceRequest(
        resource_spans=[
            otlp.ResourceSpans(
                resource=Resource(attributes=_attributes(resource)),
                scope_spans=[
                    otlp.ScopeSpans(
                        scope=InstrumentationScope(name="ringfence", version=version), spans=[_span(span) for span in spans]
                    )
                ],
            )
        ]
    ).SerializeToString()


def _span(span: Span) -> otlp.Span:
    return otlp.Span(
        trace_id=span.place.trace,
        span_id=span.place.span,
        parent_span_id=span.parent,
        flags=SAMPLED | HAS_IS_REMOTE | (IS_REMOTE if span.is_remote else 0),
        name=span.name,
        kind=cast("otlp.Span.SpanKind.ValueType", span.kind.value),
        start_time_unix_nano=span.start * NS,
        end_time_unix_nano=span.end * NS,
        attributes=_attributes(span.attributes),
        links=[otlp.Span.Link(trace_id=link.trace, span_id=link.span) for link in span.links],
        status=otlp.Status(code=otlp.Status.STATUS_CODE_ERROR) if span.error else None,
    )


def _attributes(attributes: Mapping[str, Attribute]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in attributes.items()]


def _value(value: Attribute) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case str():
            return AnyValue(string_value=value)
        case _:
            return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=each) for each in value]))
