"""One span, before it is written in any protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from ringfence.core.model.identifiers import Millis

Attribute = str | int | bool | tuple[str, ...]


class SpanKind(IntEnum):
    """As OTLP numbers them."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Which span of which trace."""

    trace: bytes
    """16 bytes."""
    span: bytes
    """8 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that took from `start` to `end`."""

    place: Place
    parent: bytes = b""
    """Empty: it is the first of its trace."""
    is_remote: bool = False
    """Whether the parent is a client's."""
    name: str
    kind: SpanKind
    start: Millis
    end: Millis
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    links: tuple[Place, ...] = ()
    error: str = ""
    """A word for how it failed; empty: it did not."""


def trace_id(of: str) -> bytes:
    """The same for the same name, so that what belongs together is found together, after a restart too."""
    return hashlib.sha256(f"ringfence trace {of}".encode()).digest()[:16]


def span_id(of: str) -> bytes:
    """As `trace_id`."""
    return hashlib.sha256(f"ringfence span {of}".encode()).digest()[:8]
