"""Strict JSON in, RFC 8785 canonical JSON out.

Pure: no I/O, no clock. What is decided, approved, recorded and sent is one encoding of one parsed value, so this module refuses
whatever two parsers could read differently instead of choosing one reading.

- `parse_strict` raises RequestError and nothing else, for any bytes, in time linear in their number.
- `canonical_bytes` gives the same bytes for the same JSON value, and `parse_strict(canonical_bytes(v)) == v`.
- A number is refused where its canonical text would be an integer beyond +-(2^53-1): there some parsers round.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

from ringfence.core.model.identifiers import Digest
from ringfence.core.strict_json.json_writer import MAX_INTEGER, check_float, write
from ringfence.errors import RequestError

_LONGEST_INTEGER = 17
"""Characters of `-9007199254740991`."""
_LEAST_PLAIN = 1e-3
"""Fractions from here on are written without an exponent by every encoder."""
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""An escape that may stand for U+0000 or for half of a surrogate pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLimits:
    """How much one JSON text may hold. The whole size is bounded by whoever read the bytes."""

    depth: int = 64
    """Arrays and objects inside each other."""
    keys: int = 10_000
    """Members of all objects together."""
    values: int = 500_000
    """Commas and opening brackets outside strings: a bound on the values. Counted first, since no other call goes on while a
    text is parsed, and a megabyte of brackets takes a hundred times as long as a megabyte of text."""
    string_bytes: int = 1 << 20
    """UTF-8 bytes of one string or key."""
    nul: bool = False
    """Whether U+0000 may stand in strings and keys."""


WIRE = JsonLimits()
"""What comes from agents and upstreams."""


def parse_strict(data: bytes, limits: JsonLimits = WIRE) -> Any:
    """The value of one JSON text, refusing whatever two parsers could read differently.

    Refused are: bytes that are not strict UTF-8, a byte-order mark, lone surrogates raw or escaped, a key twice in one object
    (compared after unescaping), NaN and infinities, numbers that overflow, integers beyond +-(2^53-1) however they are
    written, U+0000, whatever passes the limits, and anything but white space after the value.

    Raises: RequestError, and nothing else, for any bytes.
    """
    if len(data) > limits.values:
        check_values(data, limits.values)
    try:
        text = data.decode("utf-8")
        value = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise RequestError("not UTF-8") from error
    except RecursionError as error:
        raise RequestError("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise RequestError(f"not JSON at character {error.pos}") from error
    # Counting bytes is far cheaper than walking the value, and none of these counts can come out too small.
    if (
        data.count(b"[") + data.count(b"{") > limits.depth
        or data.count(b":") > limits.keys
        or len(data) > limits.string_bytes
        or ("\\u" in text and _SUSPECT_ESCAPE.search(text))
    ):
        _check(value, limits)
    return value


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 canonical JSON.

    Takes what JSON can say: None, bool, int, float, str, lists and tuples, and mappings with string keys.

    Raises: RequestError for anything else, for non-finite numbers, integers beyond +-(2^53-1), lone surrogates, and values
    nested so deeply (or inside themselves) that they cannot be written.
    """
    try:
        if _is_plain(value):
            return _PLAIN_ENCODER.encode(value)
        parts: list[str] = []
        write(value, parts)
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError as error:
        raise RequestError("a string holds a lone surrogate") from error
    except RecursionError as error:
        raise RequestError("nested too deeply") from error


def digest_of(value: Any) -> Digest:
    """Lower-case hex SHA-256 over the canonical JSON of a value. Raises: RequestError, as `canonical_bytes`."""
    return Digest(hashlib.sha256(canonical_bytes(value)).hexdigest())


# --- reading ---------------------------------------------------------------------------------------------------------


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise RequestError("a key stands twice in one object")
    return members


def _integer(text: str) -> int:
    # The length first: reading a long integer takes quadratic time.
    if len(text) > _LONGEST_INTEGER:
        raise RequestError("an integer is beyond 2^53-1")
    number = int(text)
    if -MAX_INTEGER <= number <= MAX_INTEGER:
        return number
    raise RequestError("an integer is beyond 2^53-1")


def _float(text: str) -> float:
    number = float(text)
    check_float(number)
    return number


def _constant(_: str) -> NoReturn:
    raise RequestError("a number is not finite")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)', re.DOTALL)
"""A string, or what is left of a text that breaks off in one: nothing is looked at twice."""


def check_values(data: bytes, most: int) -> None:
    """Hold a text to a number of values without parsing it. Raises: RequestError."""
    if _separators(data, 0, len(data)) <= most:
        return
    count = end = 0
    for strings, found in enumerate(_STRING.finditer(data), start=1):
        count += _separators(data, end, found.start())
        end = found.end()
        if count > most or strings > 2 * most:
            raise RequestError(f"more than {most} values")
    if count + _separators(data, end, len(data)) > most:
        raise RequestError(f"more than {most} values")


def _separators(data: bytes, start: int, end: int) -> int:
    if end - start < 2:  # what mostly stands between two strings
        return data[start:end] in (b",", b"[", b"{")
    return data.count(b",", start, end) + data.count(b"[", start, end) + data.count(b"{", start, end)


def _check(value: Any, limits: JsonLimits) -> None:
    """Hold a value to the limits, level by level, so that no depth can exhaust the stack."""
    level, depth, keys = [value], 0, 0
    while level:
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                _check_string(item, limits)
            elif kind is dict:
                keys += len(item)
                for key in item:
                    _check_string(key, limits)
                below.extend(item.values())
            elif kind is list:
                below.extend(item)
        if keys > limits.keys:
            raise RequestError(f"more than {limits.keys} keys")
        depth += 1
        if depth >= limits.depth and any(type(item) is dict or type(item) is list for item in below):
            raise RequestError(f"nested more than {limits.depth} deep")
        level = below


def _check_string(text: str, limits: JsonLimits) -> None:
    try:
        size = len(text) if text.isascii() else len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise RequestError("a string holds a lone surrogate") from error
    if size > limits.string_bytes:
        raise RequestError(f"a string is longer than {limits.string_bytes} bytes")
    if not limits.nul and "\0" in text:
        raise RequestError("a string holds U+0000")


# --- writing ---------------------------------------------------------------------------------------------------------

# INVARIANT: where `_is_plain` holds, msgspec's bytes are RFC 8785: for ASCII keys its byte order is the UTF-16 order, its
# escapes are minimal, and the floats left have the same shortest digits. The tests compare it with `json_writer.write`.
_PLAIN_ENCODER = msgspec.json.Encoder(order="deterministic")


def _is_plain(value: Any) -> bool:
    """Whether a value is made of exact built-in types, ASCII keys, and numbers on whose text all encoders agree."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                return False
            kind = type(item)
            if kind is str or item is None or kind is bool or (kind is int and -MAX_INTEGER <= item <= MAX_INTEGER):
                continue
            if not _is_plain(item):
                return False
        return True
    if kind is list or kind is tuple:
        return all(type(item) is str or _is_plain(item) for item in value)
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER
    if kind is float:
        return _LEAST_PLAIN <= abs(value) <= MAX_INTEGER and value % 1 != 0
    return kind is str or kind is bool or value is None
