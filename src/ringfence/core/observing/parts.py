"""The texts of a request to a model that may be looked at and changed, each with where it stands. Pure.

Left alone is what a change would break, or what holds no text: images and documents in base64, thinking with its signature,
what the vendor has encrypted, and the credential that a request names for a server which the vendor connects to. Inside the
input of a tool nothing is left alone: whatever its members are called, a model wrote them.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ringfence.core.scan.places import Place

SHORTEST: Final = 6
"""Characters. Shorter texts hold nothing that anybody looks for."""
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_SIGNED: Final = frozenset({"thinking", "signature", "data"})
"""What stands in a block of thinking. Whatever else is called a thought is looked at: anybody may call a message one."""
_FREE: Final = frozenset({"input", "input_schema"})
"""Members in which names are whatever somebody wrote, and so are looked at like texts. No record shows them."""
_PLAIN: Final = frozenset({
    "cache_control", "caller", "citations", "content", "context", "context_management", "data", "description",
    "documents", "edits", "examples", "input", "input_schema", "mcp_servers", "messages", "metadata", "name",
    "output_config", "output_format", "signature", "source", "stop_sequences", "system", "text", "thinking", "title", "tools",
    "type", "url", "user_id",
})  # fmt: skip
"""Names that a record may show."""
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_ \r\n"


class Part(NamedTuple):
    """One text, or one name of a member."""

    token: int
    """Which string of the body it is, counted from 0 in the order of its bytes; names of members are strings too."""
    text: str
    place: Place
    """As a JSON pointer, when somebody asks. It ends where names begin that somebody wrote."""


def parts_of(body: Any) -> list[Part]:
    """Every text of a parsed body, which `core.metering.body` has read before: it is no deeper than that allows."""
    return _Walk().all(body)


def texts_in(body: Any) -> set[str]:
    """The texts of `parts_of` alone: nearly every body holds no secret, and then nobody asks where they stand."""
    found: set[str] = set()
    left: list[tuple[Any, bool]] = [([body], False)]
    while left:
        value, is_free = left.pop()
        if type(value) is list:
            for item in value:
                kind: type[Any] = type(item)
                if kind is str:
                    if len(item) >= SHORTEST:
                        found.add(item)
                elif kind is dict or kind is list:
                    left.append((item, is_free))
        else:
            for name, item in value.items():
                if len(name) >= SHORTEST and (is_free or name not in _PLAIN):
                    found.add(name)
                kind = type(item)
                if kind is str:
                    if len(item) >= SHORTEST and (is_free or not _is_closed(name, item, value)):
                        found.add(item)
                elif (kind is dict or kind is list) and (is_free or not _is_closed(name, item, value)):
                    left.append((item, is_free or name in _FREE))
    return found


class _Walk:
    def __init__(self) -> None:
        self._token = 0
        self._found: list[Part] = []

    def all(self, body: Any) -> list[Part]:
        self._value(body, Place(None, ""), is_free=False, is_open=True)
        return self._found

    def _value(self, value: Any, place: Place, *, is_free: bool, is_open: bool) -> None:
        kind = type(value)
        if kind is str:
            if is_open and len(value) >= SHORTEST:
                self._found.append(Part(self._token, value, place))
            self._token += 1
        elif kind is list:
            for index, item in enumerate(value):
                inner = place if is_free else Place(place, str(index))
                self._value(item, inner, is_free=is_free, is_open=is_open)
        elif kind is dict:
            self._members(value, place, is_free=is_free, is_open=is_open)

    def _members(self, value: dict[str, Any], place: Place, *, is_free: bool, is_open: bool) -> None:
        for name, item in value.items():
            is_known = not is_free and name in _PLAIN
            inner = place if is_free else Place(place, name if is_known else "*")
            if is_open and not is_known and len(name) >= SHORTEST:
                self._found.append(Part(self._token, name, inner))
            self._token += 1
            self._value(
                item,
                inner,
                is_free=is_free or name in _FREE,
                is_open=is_open and (is_free or not _is_closed(name, item, value)),
            )


def _is_thought(value: dict[str, Any]) -> bool:
    kind = value.get("type")
    return isinstance(kind, str) and kind in _THOUGHTS


def _is_closed(name: str, item: Any, around: dict[str, Any]) -> bool:
    if name in _SIGNED and isinstance(item, str) and _is_thought(around):
        return True
    if name == "data":
        is_binary = around.get("type") == "base64" and isinstance(item, str)
        return is_binary and not item.encode("utf-8", "replace").translate(None, _BASE64)
    return name == "authorization_token" or name.startswith("encrypted_")
