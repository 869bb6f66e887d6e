"""A Messages request as small facts: what it asks of which model, and what bounds its price. Bytes in, facts or a reason out.

Source: Anthropic Messages API (2023-06-01), read from the types of the `anthropic` package 2.12.0. Members that are not named
here are left alone: they are the vendor's to judge. What is named and has another type than it should is refused, because then
the meter does not know what it is counting.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from ringfence.core.metering.alike import given_in
from ringfence.core.metering.body import read_json
from ringfence.core.metering.letters import swelling
from ringfence.core.metering.observed import (
    LONGEST_NAME,
    ToolResult,
    ToolUse,
    digest_or_none,
    result_in,
    result_key,
    text_of,
    use_in,
    use_key,
)
from ringfence.core.metering.prompts import Part, prompt_parts, system_key, tool_parts, tools_key
from ringfence.core.model.identifiers import Digest
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError

LARGEST_BODY: Final = 32 << 20
"""Bytes. What the vendor takes."""
MOST_TOKENS: Final = 10_000_000
"""The largest `max_tokens` that is counted."""
MOST_OBSERVED: Final = 1000
"""Tool uses, and results, of one request that are noted: the last ones. More are only counted."""
MOST_BATCHED: Final = 10_000
_KIND: Final = 60
_HALVES: Final = re.compile("[\ud800-\udfff]")
"""Of pairs that somebody has cut: no text that could be recorded."""
_OTHER: Final = "other"
_MOST_KINDS: Final = 40


class CacheUse(IntEnum):
    """For how long a request asks parts of its prompt to be kept, at most."""

    NONE = 0
    FIVE_MINUTES = 1
    HOUR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTool:
    """A tool that the vendor runs while it answers."""

    kind: str
    """Without its date: `web_search`, `code_execution`, `advisor`..."""
    most: int | None = None
    """How often it may be used; None: the request does not say."""
    model: str = ""
    """Of an advisor: who is asked."""
    max_tokens: int | None = None
    """Of an advisor: how much it may say each time."""
    content_tokens: int | None = None
    """Of a fetch: how much of a page is taken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """Another model that is asked where the first one declines."""

    model: str
    max_tokens: int
    fast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What is known of one request."""

    model: str
    max_tokens: int
    """Thinking included. 0: nothing is generated."""
    stream: bool = False
    thinking: int = 0
    """The budget for it in tokens; 0: none is given."""
    may_think: bool = True
    """False where the request says that it must not. What a model does where nothing is said, is its own affair."""
    text_bytes: int
    """The most tokens of its texts: bytes of the JSON text without what images and PDFs hold in base64, and with what the
    vendor writes longer than JSON does."""
    images: int = 0
    documents: int = 0
    """PDFs and others whose text cannot be counted from here."""
    remote: int = 0
    """Parts that are named by an address or an id, other than images: files, pages, a thread that the vendor keeps."""
    messages: int = 0
    given: str = ""
    """Digest of what it newly gives its model, and of whom it speaks to (`alike.given_in`)."""
    blocks: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many content blocks there are, by type."""
    system: Digest | None = None
    tools: Digest | None = None
    """Over the canonical JSON of the whole list; None: there is none."""
    tool_names: tuple[str, ...] = ()
    uses: tuple[ToolUse, ...] = ()
    results: tuple[ToolResult, ...] = ()
    cache: CacheUse = CacheUse.NONE
    server_tools: tuple[ServerTool, ...] = ()
    mcp_servers: tuple[str, ...] = ()
    """Addresses that the vendor is asked to connect to."""
    container: bool = False
    fallbacks: tuple[Fallback, ...] = ()
    fallbacks_unknown: bool = False
    """It leaves the choice of other models to the vendor."""
    compacts: bool = False
    """The vendor may summarise the conversation on the way, which is sampled and billed besides."""
    fast: bool = False
    geo: str = ""
    user: str = ""
    """What the client says about its user: a hint that is recorded, not believed."""
    prompt_parts: tuple[Part, ...] = ()
    """Of the system prompt; empty where that is one that was looked at before in the run."""
    tool_parts: tuple[Part, ...] = ()
    """Of the list of tools, likewise."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The request cannot be counted, so it is not sent. `status` is what HTTP calls that."""

    why: str
    status: int = 400


Look = Callable[[Any], None]
"""Shown the parsed body before anything is read of it, so that it need not be parsed twice."""


def read_request(
    data: bytes, known: Container[str] = frozenset(), largest: int = LARGEST_BODY, look: Look | None = None
) -> ModelRequest | Unreadable:
    """A body of `POST /v1/messages`. `known`: keys of tool uses and results that were noted before: not noted again."""
    if len(data) > largest:
        return Unreadable(f"the body is larger than {largest} bytes", 413)
    try:
        return _request(_shown(data, look), len(data) + swelling(data), known, generates=True)
    except RequestError as error:
        return Unreadable(str(error))


def read_count(
    data: bytes, known: Container[str] = frozenset(), largest: int = LARGEST_BODY, look: Look | None = None
) -> ModelRequest | Unreadable:
    """A body of `POST /v1/messages/count_tokens`, which generates nothing."""
    if len(data) > largest:
        return Unreadable(f"the body is larger than {largest} bytes", 413)
    try:
        return _request(_shown(data, look), len(data), known, generates=False)
    except RequestError as error:
        return Unreadable(str(error))


def read_batch(
    data: bytes, known: Container[str] = frozenset(), largest: int = LARGEST_BODY
) -> tuple[ModelRequest, ...] | Unreadable:
    """A body of `POST /v1/messages/batches`: what each of its requests asks for, in their order."""
    if len(data) > largest:
        return Unreadable(f"the body is larger than {largest} bytes", 413)
    try:
        requests = _items(_members(read_json(data), "the body"), "requests")
        if len(requests) > MOST_BATCHED:
            return Unreadable(f"a batch of more than {MOST_BATCHED} requests", 413)
        params = [_members(_members(each, "a request").get("params"), "params") for each in requests]
        # Canonical text is no shorter than what it says, so it bounds tokens as the bytes of a body do.
        return tuple(_request(each, len(canonical_bytes(each)), known, generates=True) for each in params)
    except RequestError as error:
        return Unreadable(str(error))


def _shown(data: bytes, look: Look | None) -> Mapping[str, Any]:
    body = _members(read_json(data), "the body")
    if look is not None:
        look(body)
    return body


@dataclass(slots=True)
class _Seen:
    """What walking over the messages collects."""

    known: Container[str]
    blocks: Counter[str] = field(default_factory=Counter[str])
    encoded: int = 0
    rendered: int = 0
    named: Counter[str] = field(default_factory=Counter[str])
    """Definitions of tools that a block asks to be written out once more."""
    images: int = 0
    documents: int = 0
    remote: int = 0
    uses: list[ToolUse] = field(default_factory=list[ToolUse])
    results: list[ToolResult] = field(default_factory=list[ToolResult])
    cache: CacheUse = CacheUse.NONE

    def walk(self, content: Any) -> None:
        """Every block of a content, and those inside them, from the last to the first. A text is one block."""
        waiting: list[Any] = [content]
        while waiting:
            each = waiting.pop()
            if isinstance(each, str):
                self.blocks["text"] += 1
            elif isinstance(each, list):
                waiting.extend(each)
            elif isinstance(each, dict):
                self.block(each)
                source = each.get("source")
                inside = (each.get("content"), source.get("content") if isinstance(source, dict) else None)
                waiting.extend(inner for inner in inside if isinstance(inner, list | dict))

    def block(self, block: Mapping[str, Any]) -> None:
        kind = block.get("type")
        name = kind[:_KIND] if isinstance(kind, str) else _OTHER
        self.blocks[name if name in self.blocks or len(self.blocks) < _MOST_KINDS else _OTHER] += 1
        self.cache = max(self.cache, _cache_of(block))
        if any(key not in _READ_OF_BLOCKS and key.casefold() in _READ_OF_BLOCKS for key in block):
            raise RequestError("a block has a member that some read as another one")
        if name == "tool_use" and isinstance(given := block.get("input"), dict):
            self.rendered += _PARAMETER * len(given)
        elif name == "tool_reference":
            self.named[text_of(block, "tool_name", LONGEST_NAME)] += 1
        if name in _SOURCES:
            self.source(name, block)
        elif name == "container_upload" or isinstance(block.get("file_id"), str):
            self.remote += 1
        # The same history comes with every request: what was noted is not digested again.
        use = use_in(block) if _is_new(use_key(block.get("id")), self.known) else None
        if use is not None and len(self.uses) < MOST_OBSERVED:
            self.uses.append(use)
        result = result_in(block) if _is_new(result_key(block.get("tool_use_id")), self.known) else None
        if result is not None and len(self.results) < MOST_OBSERVED:
            self.results.append(result)

    def source(self, name: str, block: Mapping[str, Any]) -> None:
        """Where an image or a document comes from."""
        given = block.get("source")
        source = given if isinstance(given, dict) else {}
        kind, data = source.get("type"), source.get("data")
        if name == "image":
            self.images += 1
        elif kind == "base64" or _is_cited(block):
            self.documents += 1
        elif kind not in ("text", "content"):
            self.remote += 1
        if kind == "base64" and isinstance(data, str):
            self.encoded += len(data)


_SOURCES: Final = frozenset({"image", "document"})
_PARAMETER: Final = 16
"""Tokens that the vendor may write around a parameter of a tool's use, where JSON has some quotes and a colon."""
_READ: Final = frozenset(
    {
        "model", "max_tokens", "stream", "messages", "system", "tools", "fallbacks", "thinking", "thread", "mcp_servers",
        "container", "compaction", "context_management", "speed", "inference_geo", "cache_control", "metadata",
    }
)  # fmt: skip
_READ_OF_BLOCKS: Final = frozenset({"type", "content", "source", "file_id", "cache_control", "citations", "tool_name"})
_READ_OF_TOOLS: Final = frozenset({"type", "max_uses", "model", "max_tokens", "max_content_tokens", "cache_control"})
_READ_OF_FALLBACKS: Final = frozenset({"model", "max_tokens", "speed"})


def _check_names(members: Iterable[str], read: Container[str]) -> None:
    """Some servers do not tell `Max_Tokens` from `max_tokens` (Go's decoder does not): they would read another request."""
    for name in members:
        if name not in read and name.casefold() in read:
            raise RequestError(f"a member is written otherwise than `{name.casefold()}`, and some read it as that")


def _is_cited(block: Mapping[str, Any]) -> bool:
    """Whether the vendor cuts a document into sentences and counts marks around each."""
    cited = block.get("citations")
    return isinstance(cited, dict) and cited.get("enabled") is not False


def _request(body: Mapping[str, Any], size: int, known: Container[str], *, generates: bool) -> ModelRequest:
    _check_names(body, _READ)
    model = body.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= LONGEST_NAME or not model.isprintable():
        raise RequestError(f"`model` is no name of 1 to {LONGEST_NAME} characters that can be shown")
    stream = body.get("stream", False)
    if not isinstance(stream, bool):
        raise RequestError("`stream` is neither true nor false")
    most = _count(body, "max_tokens") if generates else 0
    if most is None:
        raise RequestError("`max_tokens` is missing")
    seen = _Seen(known, cache=_cache_of(body))
    # From the end: what came last is what was not noted before.
    messages = _items(body, "messages")
    for message in reversed(messages):
        seen.walk(_members(message, "a message").get("content"))
    seen.walk(body.get("system"))
    tools = _items(body, "tools")
    for tool in tools:
        _check_names(_members(tool, "a tool"), _READ_OF_TOOLS)
        seen.cache = max(seen.cache, _cache_of(tool))
    fallbacks = body.get("fallbacks")
    thinking = _optional(body, "thinking")
    budget = _count(thinking, "budget_tokens") or 0
    prompt = digest_or_none(body["system"]) if body.get("system") is not None else None
    defined = digest_or_none(tools) if tools else None
    return ModelRequest(
        model=model,
        max_tokens=most,
        stream=stream,
        # Of another type it bounds nothing: what is not known to be a bound is none.
        thinking=budget if thinking.get("type") == "enabled" else 0,
        may_think=thinking.get("type") != "disabled",
        text_bytes=size - seen.encoded + seen.rendered + _written_out(tools, seen.named),
        images=seen.images,
        documents=seen.documents,
        remote=seen.remote + (body.get("thread") is not None),
        messages=len(messages),
        given=given_in(messages, body.get("system")) if generates else "",
        blocks=dict(seen.blocks),
        system=prompt,
        tools=defined,
        prompt_parts=prompt_parts(body["system"]) if generates and _is_new(system_key(prompt), known) else (),
        tool_parts=tool_parts(tools) if generates and _is_new(tools_key(defined), known) else (),
        tool_names=tuple(text_of(tool, "name", LONGEST_NAME) for tool in tools[:MOST_OBSERVED]),
        uses=tuple(reversed(seen.uses)),
        results=tuple(reversed(seen.results)),
        cache=seen.cache,
        server_tools=tuple(_server_tools(tools)),
        mcp_servers=tuple(text_of(_members(each, "an MCP server"), "url", 2000) for each in _items(body, "mcp_servers")),
        container=body.get("container") is not None,
        fallbacks=tuple(_fallback(each, most) for each in fallbacks) if isinstance(fallbacks, list) else (),
        fallbacks_unknown=fallbacks is not None and not isinstance(fallbacks, list),
        compacts=body.get("compaction") is not None or _edits_by_summary(body),
        fast=body.get("speed") not in (None, "standard"),
        geo=text_of(body, "inference_geo", _KIND),
        user=_HALVES.sub("\ufffd", text_of(_optional(body, "metadata"), "user_id", 1000)),
    )


def _written_out(tools: Iterable[Mapping[str, Any]], named: Mapping[str, int]) -> int:
    """Bytes of the definitions that references ask for, each as often as it is named."""
    if not named:
        return 0
    return sum(
        times * len(canonical_bytes(tool)) for tool in tools if (times := named.get(text_of(tool, "name", LONGEST_NAME)))
    )


def _server_tools(tools: Iterable[Mapping[str, Any]]) -> Iterable[ServerTool]:
    for tool in tools:
        kind = tool.get("type")
        if kind is None or kind == "custom":
            continue
        if not isinstance(kind, str):
            raise RequestError("the `type` of a tool is no text")
        name = _plain_kind(kind)
        if name not in _CLIENT_TOOLS:
            yield ServerTool(
                kind=name,
                most=_count(tool, "max_uses"),
                model=_other_model(tool),
                max_tokens=_count(tool, "max_tokens"),
                content_tokens=_count(tool, "max_content_tokens"),
            )


_CLIENT_TOOLS: Final = frozenset({"bash", "text_editor", "computer", "computer_toolset", "browser_toolset", "memory"})
"""Tools whose definition the vendor knows, and which the client runs."""


def _plain_kind(kind: str) -> str:
    """`web_search_20250305` is `web_search`."""
    name, _, date = kind[:_KIND].rpartition("_")
    return name if name and date.isdigit() else kind[:_KIND]


def _fallback(value: Any, most: int) -> Fallback:
    entry = _members(value, "a fallback")
    _check_names(entry, _READ_OF_FALLBACKS)
    own = _count(entry, "max_tokens")
    return Fallback(
        model=_other_model(entry), max_tokens=most if own is None else own, fast=entry.get("speed") not in (None, "standard")
    )


def _other_model(members: Mapping[str, Any]) -> str:
    """Of whoever may answer besides; empty: it is not said. It is decided and recorded as it is written."""
    name = members.get("model")
    if isinstance(name, str) and not (len(name) <= LONGEST_NAME and name.isprintable()):
        raise RequestError(f"another `model` is no name of up to {LONGEST_NAME} characters that can be shown")
    return text_of(members, "model", LONGEST_NAME)


def _edits_by_summary(body: Mapping[str, Any]) -> bool:
    edits = _items(_optional(body, "context_management"), "edits")
    # What only clears is not sampled. Anything else may be, and may be billed.
    return any(not str(_members(edit, "an edit").get("type", "")).startswith("clear_") for edit in edits)


def _cache_of(block: Mapping[str, Any]) -> CacheUse:
    control = block.get("cache_control")
    if not isinstance(control, dict):
        return CacheUse.NONE
    return CacheUse.FIVE_MINUTES if control.get("ttl", "5m") == "5m" else CacheUse.HOUR


def _is_new(key: str, known: Container[str]) -> bool:
    return bool(key) and key not in known


def _count(members: Mapping[str, Any], key: str) -> int | None:
    value = members.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_TOKENS:
        raise RequestError(f"`{key}` is no whole number from 0 to {MOST_TOKENS}")
    return value


def _members(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(f"{what} is no JSON object")
    return value


def _optional(members: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = members.get(key)
    return {} if value is None else _members(value, f"`{key}`")


def _items(members: Mapping[str, Any], key: str) -> list[Any]:
    value = members.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RequestError(f"`{key}` is no list")
    return value
