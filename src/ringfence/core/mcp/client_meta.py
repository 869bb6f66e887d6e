"""What of a client's `_meta` a server may see: its trace context, and keys that are nobody's but a vendor's. Pure.

Progress token, protocol version, capabilities, client info and log level are the gateway's own to write for each hop, so they
are never in here. `baggage` is dropped: it is made to carry a caller's data across every border (W3C Baggage, section 5).

Source: MCP 2025-11-25 and 2026-07-28, basic (`_meta` keys); W3C Trace Context.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError

VENDOR_LIMIT: Final = 8192
"""Bytes of all vendor keys together, as canonical JSON; beyond it none of them is passed on."""
TOOL_USE: Final = "claudecode/toolUseId"
"""Where Claude Code says it: the same id as in the model's answer."""
OURS: Final = "ringfence"
"""The prefix of the gateway's own keys: only the gateway writes them, in either direction."""

_LABEL = r"[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_KEY = re.compile(rf"(?:({_LABEL}(?:\.{_LABEL})*)/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_KEY_LIMIT = 256
_REMEMBERED = 80
_RESERVED_LABELS = frozenset({"mcp", "modelcontextprotocol"})
_RESERVED_NAMES = frozenset({"progresstoken", "traceparent", "tracestate", "baggage"})
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[ -~]{0,64})?")
_USE = re.compile(r"[A-Za-z0-9_.:-]{1,120}")
_STATE = re.compile(r"[ -~\t]{1,512}")


@dataclass(frozen=True, slots=True)
class ClientMeta:
    """What a client said beside its request that is passed on with it."""

    trace: Mapping[str, str] = field(default_factory=dict[str, str])
    """`traceparent` and `tracestate`, well-formed; empty where there is none."""
    vendor: Mapping[str, Any] = field(default_factory=dict[str, Any])
    said: Mapping[str, str] = field(default_factory=dict[str, str])
    """What a hook's client says of itself (session, agent, mode). Recorded, never believed, and passed on to nobody."""

    @property
    def beside(self) -> Mapping[str, Any]:
        """All of it, as it reaches the server beside the arguments."""
        return {**self.vendor, **self.trace} if self.vendor or self.trace else {}

    @property
    def trace_id(self) -> str:
        """Under which the client's own tools show this call; empty where it named none."""
        return self.trace.get("traceparent", "")[3:35]

    @property
    def span_id(self) -> str:
        """The client's span that this call belongs to."""
        return self.trace.get("traceparent", "")[36:52]

    @property
    def tool_use(self) -> str:
        """The model's use of a tool that this call is, as the client says; empty where it says none."""
        found = self.vendor.get(TOOL_USE)
        return found if isinstance(found, str) and _USE.fullmatch(found) else ""


NO_META: Final = ClientMeta()


def client_meta(meta: Mapping[str, Any]) -> ClientMeta:
    """What of a `_meta` object is passed on."""
    trace, vendor = _trace(meta), vendor_keys(meta)
    return ClientMeta(trace, vendor) if trace or vendor else NO_META


def vendor_keys(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that are reserved for nobody; none of them where they are too long together, or cannot be written."""
    found = {key: value for key, value in meta.items() if is_vendor_key(key)}
    if not found:
        return found
    try:
        return found if len(canonical_bytes(found)) <= VENDOR_LIMIT else {}
    except RequestError:
        return {}


def is_vendor_key(key: str) -> bool:
    """Whether a key is a vendor's. Keys are few and come with every request, so the short ones are judged once."""
    return _is_vendor_key(key) if len(key) <= _REMEMBERED else _judge(key)


@lru_cache(maxsize=512)
def _is_vendor_key(key: str) -> bool:
    return _judge(key)


def _judge(key: str) -> bool:
    """Whether a key is well-formed and means nothing to MCP, to trace context or to the gateway.

    Both readings of the reserved prefixes count: `mcp` as second label (2025-11-25), and anywhere before the last one
    (2025-06-18).
    """
    found = _KEY.fullmatch(key) if len(key) <= _KEY_LIMIT else None
    if found is None:
        return False
    if found[1] is None:
        return key.lower() not in _RESERVED_NAMES
    labels = found[1].lower().split(".")
    if labels == [OURS]:
        return False
    return not any(label in _RESERVED_LABELS and (place == 1 or place < len(labels) - 1) for place, label in enumerate(labels))


def _trace(meta: Mapping[str, Any]) -> dict[str, str]:
    """A `tracestate` means nothing without a `traceparent` (Trace Context, section 3.3)."""
    parent, state = meta.get("traceparent"), meta.get("tracestate")
    found = _PARENT.fullmatch(parent) if isinstance(parent, str) else None
    if not isinstance(parent, str) or found is None or found[1] == "ff" or not (found[2].strip("0") and found[3].strip("0")):
        return {}
    if found[1] == "00" and found[4] is not None:
        return {}
    trace = {"traceparent": parent}
    if isinstance(state, str) and _STATE.fullmatch(state) is not None:
        trace["tracestate"] = state
    return trace
