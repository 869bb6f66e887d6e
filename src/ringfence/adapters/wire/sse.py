"""Reading server-sent events as they arrive. Pure.

Source: WHATWG HTML, section 9.2 (server-sent events). `id` and `retry` are read over: streams are never resumed.
"""

import re
from dataclasses import dataclass

from ringfence.errors import RequestError

_BREAK = re.compile(rb"\r\n|\n|\r")
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """`data` as bytes: the JSON parser decides whether it is UTF-8."""

    data: bytes
    name: str = "message"


class SseParser:
    """Feed chunks, get whole events. Holds at most `max_event` bytes, comments included."""

    def __init__(self, max_event: int) -> None:
        self._max_event = max_event
        self._buffer = bytearray()
        self._searched = 0
        self._data: list[bytes] = []
        self._size = 0
        self._name = b""
        self._started = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes, in order.

        Raises RequestError where one event, or one line, is larger than the cap.
        """
        self._buffer += chunk
        events: list[Event] = []
        start = 0
        while (found := _BREAK.search(self._buffer, self._searched)) is not None:
            if found.group() == b"\r" and found.end() == len(self._buffer):
                # The line feed of a CRLF may still be on its way.
                self._searched = found.start()
                break
            line = bytes(self._buffer[start : found.start()])
            start = self._searched = found.end()
            self._line(line, events)
        else:
            self._searched = len(self._buffer)
        del self._buffer[:start]
        self._searched -= start
        if len(self._buffer) + self._size > self._max_event:
            raise RequestError(f"an event is larger than {self._max_event} bytes")
        return events

    def _line(self, line: bytes, events: list[Event]) -> None:
        if not self._started:
            self._started = True
            line = line.removeprefix(_MARK)
        if not line:
            if self._data:
                events.append(Event(b"\n".join(self._data), self._name.decode("utf-8", "replace") or "message"))
            self._data, self._size, self._name = [], 0, b""
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._size += len(line) + 1
            if self._size > self._max_event:
                raise RequestError(f"an event is larger than {self._max_event} bytes")
        elif field == b"event":
            self._name = value[:64]
