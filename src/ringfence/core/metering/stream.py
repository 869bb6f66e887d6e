"""One streamed answer on its way through: bytes in, in any pieces, and what to do with them out. Pure.

    stream = MessageStream()
    for command in stream.feed(chunk): ...     Forward(bytes), or Cut(why), after which nothing comes any more
    for command in stream.finish(): ...        the upstream has closed: what is left
    stream.cut(CutKind.KILLED, "...")          the bytes that end it for the client, once; empty where they would help nobody

What is forwarded is what came in, byte for byte, events that nobody knows included. It is forwarded event by event: a client
never holds half an event, so an error event can follow at any time and be understood. Comments that stand alone are passed on
at once, because they keep connections open.

Only events that say something about usage or tools are parsed; of the others the bytes are counted that a model wrote, which
is what bounds an answer that is cut (`core.metering.unfinished`).

Source: WHATWG HTML, section 9.2 (server-sent events); Anthropic Messages API, streaming.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ringfence.core.metering.alike import DIGITS
from ringfence.core.metering.body import read_json
from ringfence.core.metering.observed import LONGEST_NAME, ToolResult, ToolUse, digest_or_none, result_in, text_of, use_in
from ringfence.core.metering.unfinished import Seen
from ringfence.core.metering.usage import UNKNOWN, Reported, ended, told
from ringfence.errors import RequestError

LARGEST_EVENT: Final = 8 << 20
"""Bytes of one event that are held. The largest that are known carry whole search results."""
LARGEST_ARGUMENTS: Final = 1 << 20
"""Bytes of one tool's input that are collected to be digested."""
MOST_OPEN: Final = 64
"""Blocks that are open at once and are followed. The vendor opens one at a time."""
MOST_OBSERVED: Final = 1000
_MOST_RUNS: Final = 8
"""Runs of like events that are looked for in one piece: looking for one goes through the rest of it."""

_BREAK = rb"(?>\r\n|\n|\r)"
_END: Final = re.compile(_BREAK + _BREAK)
_LINE: Final = re.compile(_BREAK)
_ALONE: Final = re.compile(rb"(?:(?::[^\r\n]*)?(?>\r\n|\n|\r))+")
_LONGEST_COMMENT: Final = 4096
_MARK: Final = b"\xef\xbb\xbf"
_DELTA: Final = b"event: content_block_delta\ndata: "
_SHOWN: Final = re.compile(rb'"(?:text|partial_json)"\s*:\s*"')
"""Where what is shown of a piece of content begins. Within a text of JSON the quotes would be escaped."""
_SHOWN_KINDS: Final = frozenset({"text", "tool_use"})
"""Blocks of which every token goes to the client."""


@dataclass(frozen=True, slots=True)
class Forward:
    """Give these bytes to the client now. They end where an event ends."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing is whole yet."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Close both sides: this is no stream that can be watched. `cut` has the bytes for the client."""

    why: str


Command = Forward | Hold | Cut
HOLD: Final = Hold()


class CutKind(StrEnum):
    """Why a stream is cut, and with that what its client is told."""

    KILLED = "permission_error"
    BUDGET = "billing_error"
    PAUSED = "overloaded_error"
    FAULT = "api_error"
    SILENT = ""
    """Nothing is said, the connection just closes."""


@dataclass(slots=True)
class _Open:
    """A tool's input that is being written."""

    use: ToolUse
    parts: list[str] = field(default_factory=list[str])
    size: int = 0


class MessageStream:
    """One answer of `POST /v1/messages` with `stream: true`."""

    def __init__(self, largest_event: int = LARGEST_EVENT) -> None:
        self._largest_event = largest_event
        self._buffer = bytearray()
        self._searched = 0
        self._skips_line_feed = False
        self._has_returns = False
        self._has_begun = False
        self._has_totals = False
        self._is_over = False
        self._open: dict[int, _Open] = {}
        self._size = 0
        self._is_shown = False
        self._has_hidden = False
        self._answered = hashlib.sha256()
        self._frame = b"", b""
        """What stands around the text of the last event that was nothing but text."""
        self.reported: Reported = UNKNOWN
        """What was said about usage so far."""
        self.uses: list[ToolUse] = []
        self.results: list[ToolResult] = []
        self.stop_reason = ""
        self.error = ""
        """The type of the error event that the upstream sent, if it did."""
        self.is_damaged = False
        """An event that counts could not be read, so what was reported is not all."""
        self.is_complete = False
        """`message_stop` came."""
        self.events = 0
        self.forwarded = 0
        """Bytes."""

    @property
    def seen(self) -> Seen | None:
        """What came of the content since its tokens were counted last. None: it cannot be known."""
        if self.is_damaged:
            return None
        return Seen(size=self._size, is_shown=self._is_shown, has_hidden=self._has_hidden)

    @property
    def answer(self) -> str:
        """A digest of the texts and tool uses so far, without the digits in them, however they were cut into events."""
        return self._answered.hexdigest()

    def feed(self, chunk: bytes) -> tuple[Command, ...]:
        """What to do now that these bytes came. After a cut: nothing."""
        if self._is_over:
            return ()
        if not self._buffer and not self._skips_line_feed and self._are_whole(chunk):
            self.forwarded += len(chunk)
            return (Forward(chunk),)
        before = b""
        if self._skips_line_feed and chunk:
            # The carriage return before it ended a line, and was forwarded already.
            self._skips_line_feed = False
            if chunk[0] == 0x0A:
                before, chunk = b"\n", chunk[1:]
        self._buffer += chunk
        self._has_returns = self._has_returns or b"\r" in chunk
        end = self._events()
        if len(self._buffer) - end > self._largest_event:
            commands = self._forward(before, end)
            self._close()
            return (*commands, Cut(f"an event is larger than {self._largest_event} bytes"))
        if end < len(self._buffer) <= end + _LONGEST_COMMENT and _ALONE.fullmatch(self._buffer, end):
            end = len(self._buffer)
        return self._forward(before, end) or (HOLD,)

    def finish(self) -> tuple[Command, ...]:
        """The upstream has closed. What it left of an event is forwarded: clients drop it."""
        if self._is_over:
            return ()
        self._settle()
        self._size += len(self._buffer)
        commands = self._forward(b"", len(self._buffer))
        self._close()
        return commands

    def cut(self, kind: CutKind, message: str) -> bytes:
        """End it from our side. The bytes are an error event, or nothing where the client has the whole answer already.

        What was held is dropped: after this no byte of the upstream's is forwarded.
        """
        if self._is_over:
            return b""
        tells = not self.is_complete and kind is not CutKind.SILENT
        self._close()
        self._settle()
        return error_event(kind, message) if tells else b""

    def _settle(self) -> None:
        if self._has_totals and not self.is_damaged:
            self.reported = ended(self.reported)

    def _close(self) -> None:
        self._is_over = True
        self._size += len(self._buffer)
        self._buffer.clear()
        self._open.clear()

    def _forward(self, before: bytes, end: int) -> tuple[Command, ...]:
        if not before and not end:
            return ()
        data = before + self._buffer[:end]
        del self._buffer[:end]
        self._searched = max(self._searched - end, 0)
        self._has_returns = self._has_returns and bool(self._buffer)
        self._has_begun = True
        self._skips_line_feed = data[-1] == 0x0D and not self._buffer
        self.forwarded += len(data)
        return (Forward(bytes(data)),)

    def _are_whole(self, chunk: bytes) -> bool:
        """Read a piece that is nothing but whole events, as most are. False: it is another, and nothing was read."""
        if not chunk.endswith(b"\n\n") or chunk.endswith(b"\n\n\n") or len(chunk) > self._largest_event or b"\r" in chunk:
            return False
        self._whole(chunk)
        return True

    def _whole(self, data: bytes) -> None:
        """Read events that end in two line feeds each, with nothing after the last one."""
        at, runs = 0, _MOST_RUNS
        while at < len(data):
            if runs and self._frame[0] and data.startswith(self._frame[0], at):
                runs -= 1
                if (end := self._run(data, at)) > at:
                    at = end
                    continue
            end = data.find(b"\n\n", at)
            self._event(data[at:end])
            at = end + 2

    def _run(self, data: bytes, at: int) -> int:
        """Read the events from here on that are nothing but texts, framed like the last one; where they end.

        The same as event by event, but that what repeats is not looked at again and again.
        """
        before, after = self._frame
        if self._open:
            return at
        texts = data[at + len(before) :].split(after + before)
        last = texts.pop()
        if b"\n" in b"".join(texts):
            odd = next(index for index, text in enumerate(texts) if b"\n" in text)
            last, texts = texts[odd], texts[:odd]
        end = last.find(after)
        if end >= 0 and b"\n" not in (text := last[:end]):
            texts.append(text)
        said = b"".join(texts)
        end = at + len(said) + len(texts) * (len(before) + len(after))
        if not texts or data.find(b'"usage"', at, end) >= 0:
            return at
        self.events += len(texts)
        self._size += len(said) + len(texts) * (len(after) - 2)
        self._is_shown = True
        self._answered.update(said.translate(None, DIGITS))
        return end

    def _events(self) -> int:
        """Read the events that are whole; where the last one ends."""
        buffer = self._buffer
        start = 0
        if not self._has_returns:
            # As every server writes it. The longer way below gives the same.
            last = buffer.rfind(b"\n\n", self._searched)
            if last == 0 or (last > 0 and buffer[last - 1] != 0x0A):
                self._whole(bytes(buffer[: last + 2]))
                self._searched = max(last + 2, len(buffer) - 1)
                return last + 2
            while (found := buffer.find(b"\n\n", self._searched)) >= 0:
                self._event(bytes(buffer[start:found]))
                start = self._searched = found + 2
            self._searched = max(start, len(buffer) - 1)
            return start
        while (end := _END.search(buffer, self._searched)) is not None:
            self._event(bytes(buffer[start : end.start()]))
            start = self._searched = end.end()
        # A break may be half here: look at the last ones again, from where they begin.
        last = len(buffer)
        while last > start and buffer[last - 1] in b"\r\n":
            last -= 1
        self._searched = last
        return start

    def _event(self, block: bytes) -> None:
        if not self._has_begun:
            self._has_begun = True
            block = block.removeprefix(_MARK)
        self.events += 1
        if block.startswith(_DELTA) and b'"usage"' not in block:
            # Nearly every event is one of these.
            self._content(block, len(_DELTA))
            if not self._open:
                return
            if b"\n" not in (data := block[len(_DELTA) :]):
                self._quick_part(data)
                return
        name, data = _fields(block)
        if not data:
            return
        if name in _COUNTS or self._open or b'"usage"' in data:
            try:
                value = read_json(data)
            except RequestError:
                self.is_damaged = True
                return
            if isinstance(value, dict):
                self._said(value, data)
        elif name == b"content_block_stop":
            self._is_shown = False
        elif name != b"ping":
            self._content(data)

    def _content(self, data: bytes, start: int = 0) -> None:
        """Count what a model wrote of one event: what is shown, or all of it where that cannot be told."""
        shown = _SHOWN.search(data, start)
        self._size += len(data) - (start if shown is None else shown.end())
        if shown is not None:
            self._is_shown = True
            end = data.rfind(b'"}')
            self._answered.update(data[shown.end() : end].translate(None, DIGITS))
            if start and end >= shown.end() and data.count(b"\n") == 1:
                self._frame = data[: shown.end()], data[end:] + b"\n\n"
        elif b'"citations_delta"' not in data:
            self._is_shown, self._has_hidden = False, True

    def _counted(self, usage: Any) -> None:
        """Running totals: whatever came before is in them."""
        count = usage.get("output_tokens") if isinstance(usage, dict) else None
        if type(count) is int and count and count == self.reported.output:
            self._size, self._has_hidden = 0, False

    def _said(self, value: dict[str, Any], data: bytes) -> None:
        match value.get("type"):
            case "message_start":
                message = value.get("message")
                if isinstance(message, dict):
                    self.reported = told(self.reported, message.get("usage"), text_of(message, "model", LONGEST_NAME))
                    self._counted(message.get("usage"))
            case "message_delta":
                self._totals(value.get("delta"), value.get("usage"))
            case "message_stop":
                self.is_complete = True
            case "content_block_start":
                self._block(value, len(data))
            case "content_block_delta":
                self._content(data)
                self._part(value)
            case "content_block_stop":
                self._is_shown = False
                self._stop(value)
            case "ping":
                pass
            case "error":
                error = value.get("error")
                self.error = (text_of(error, "type", 60) if isinstance(error, dict) else "") or "error"
            case _:
                # A kind of event that is not known yet: what it says of usage can only add.
                self.reported = told(self.reported, value.get("usage"))
                self._content(data)

    def _totals(self, delta: Any, usage: Any) -> None:
        """Why the answer ended comes with what all of it used, so nothing is unknown from here on."""
        self.reported = told(self.reported, usage)
        self._counted(usage)
        reason = text_of(delta, "stop_reason", 60) if isinstance(delta, dict) else ""
        self.stop_reason = reason or self.stop_reason
        if reason and told(UNKNOWN, usage).output is not None:
            self._has_totals = True

    def _block(self, value: dict[str, Any], size: int) -> None:
        block, index = value.get("content_block"), value.get("index")
        kind = block.get("type") if isinstance(block, dict) else None
        self._is_shown = isinstance(kind, str) and kind in _SHOWN_KINDS
        self._has_hidden = self._has_hidden or not self._is_shown
        # A text begins empty. What a tool's use begins with is written by the model, as words of its own.
        self._size += 0 if isinstance(block, dict) and kind == "text" and not block.get("text") else size
        if not isinstance(block, dict):
            return
        result = result_in(block)
        if result is not None and len(self.results) < MOST_OBSERVED:
            self.results.append(result)
        use = use_in(block)
        if use is not None:
            self._answered.update(b"\0" + use.name.encode("utf-8", "replace") + b"\0")
        if use is not None and isinstance(index, int) and len(self._open) < MOST_OPEN:
            self._open[index] = _Open(use)

    def _quick_part(self, data: bytes) -> None:
        """A piece of content. Nothing is charged by it, so it need not be read strictly."""
        if b"input_json_delta" not in data:
            return
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return
        if isinstance(value, dict):
            self._part(value)

    def _part(self, value: dict[str, Any]) -> None:
        index, delta = value.get("index"), value.get("delta")
        being = self._open.get(index) if isinstance(index, int) else None
        if being is None or not isinstance(delta, dict) or delta.get("type") != "input_json_delta":
            return
        part = delta.get("partial_json")
        if isinstance(part, str):
            being.size += len(part)
            if being.size <= LARGEST_ARGUMENTS:
                being.parts.append(part)

    def _stop(self, value: dict[str, Any]) -> None:
        index = value.get("index")
        being = self._open.pop(index, None) if isinstance(index, int) else None
        if being is not None and len(self.uses) < MOST_OBSERVED:
            self.uses.append(_written(being))


_COUNTS: Final = frozenset(
    {b"", b"message", b"message_start", b"message_delta", b"message_stop", b"content_block_start", b"error"}
)
"""Events that are always parsed; without a name too, since some servers give none."""


def error_event(kind: CutKind, message: str) -> bytes:
    """What a client reads as an error of the API in the middle of a stream."""
    data = json.dumps({"type": "error", "error": {"type": str(kind), "message": message}}, ensure_ascii=True)
    return b"event: error\ndata: " + data.encode() + b"\n\n"


def _fields(block: bytes) -> tuple[bytes, bytes]:
    """The name and the data of one event."""
    name = b""
    data: list[bytes] = []
    for line in _LINE.split(block) if b"\r" in block else block.split(b"\n"):
        key, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if key == b"data":
            data.append(value)
        elif key == b"event":
            name = value
    return name, b"\n".join(data)


def _written(being: _Open) -> ToolUse:
    """A tool use whose input is whole. Without parts it is what the block began with."""
    use = being.use
    arguments, size = use.arguments, being.size
    if being.parts or size:
        arguments = None
        if size <= LARGEST_ARGUMENTS:
            text = "".join(being.parts)
            try:
                raw = text.encode()
                size, arguments = len(raw), digest_or_none(read_json(raw))
            except (RequestError, UnicodeEncodeError):
                arguments = None
    return ToolUse(id=use.id, name=use.name, kind=use.kind, server=use.server, arguments=arguments, size=size)
