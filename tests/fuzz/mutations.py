"""Random JSON and random changes to it, for the fuzz tests and the long campaign. Whoever calls owns the randomness."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

NASTY: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.0,
    1.5,
    2**53,
    -(2**53),
    2**64 + 1,
    1e300,
    1e-300,
    "",
    "a",
    "\0",
    "name\0",
    "ｎａｍｅ",
    "param\u017f",
    "\u212a",
    "\u202etxt.exe",
    "e\u0301" * 20,
    "\U0001f600",
    "../../etc/passwd",
    "=?base64?b3JkZXJzX19nZXQ=?=",
    "x" * 300,
    [],
    {},
    [[]],
    {"": {}},
    [None],
    {"a": 1},
    {"__proto__": {}},
    {"$ref": "http://127.0.0.1:9/x"},
)
_RAW = (
    b"\xef\xbb\xbf",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\\ud800",
    b"\\u0000",
    b"NaN",
    b"-Infinity",
    b"1e400",
    b"9007199254740993",
    b"1.0",
    b",",
    b'"',
    b"{",
    b"}",
    b"[" * 70,
    b'{"a":' * 70,
    b"/**/",
    b"\r\n",
    b"\n\n",
    b"data: ",
    b'"id":2,',
    b'"method":"tools/call",',
    b'"Name":"x",',
)
_KEY_TWISTS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.title,
    lambda key: key + "\0",
    lambda key: key + " ",
    lambda key: key.replace("s", "\u017f"),
    lambda key: key.replace("k", "\u212a"),
    lambda key: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in key),
)

Path = tuple[Any, ...]


def json_value(rng: Random, depth: int = 4) -> Any:
    """An arbitrary JSON value, now and then one that JSON texts of the strict kind cannot carry."""
    kind = rng.randrange(8 if depth else 6)
    if kind == 6:
        return [json_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        return {text(rng): json_value(rng, depth - 1) for _ in range(rng.randrange(4))}
    if kind == 0:
        return rng.randrange(-(2**54), 2**54)
    if kind == 1:
        return rng.randrange(-(10**6), 10**6) / rng.choice((1, 3, 10, 7e5))
    if kind == 2:
        return text(rng)
    return copy.deepcopy(rng.choice(NASTY))


def text(rng: Random) -> str:
    """A short text over an alphabet that parsers disagree about."""
    return "".join(rng.choice('abz_/ .:"\\\0\n\u00e9\u017f\u202e\U0001f600=~') for _ in range(rng.randrange(8)))


def mutated(rng: Random, message: Any) -> Any:
    """A copy of a JSON value with one thing changed somewhere in it."""
    value = copy.deepcopy(message)
    places = list(_places(value))
    if not places:
        return copy.deepcopy(rng.choice(NASTY))
    path = rng.choice(places)
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    match rng.randrange(7):
        case 0:
            holder[last] = copy.deepcopy(rng.choice(NASTY))
        case 1:
            holder[last] = json_value(rng)
        case 2:
            del holder[last]
        case 3 if isinstance(holder, dict):
            holder[rng.choice(_KEY_TWISTS)(str(last))] = holder.pop(last)
        case 4 if isinstance(holder, dict):
            holder[rng.choice(_KEY_TWISTS)(str(last))] = copy.deepcopy(holder[last])
        case 5:
            for _ in range(rng.choice((2, 63, 66))):
                holder[last] = [holder[last]]
        case _:
            other = rng.choice(places)
            found = value
            for step in other:
                found = found[step]
            holder[last] = copy.deepcopy(found)
    return value


def _places(value: Any, path: Path = ()) -> list[Path]:
    found: list[Path] = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += _places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += _places(item, (*path, index))
    return found


def encoded(rng: Random, value: Any) -> bytes:
    """JSON text in one of the ways in which clients write it. Lone surrogates and NaN pass as they are."""
    ascii_only = rng.random() < 0.5
    data = json.dumps(value, ensure_ascii=ascii_only, indent=rng.choice((None, None, None, 1)))
    return data.encode("utf-8", "surrogatepass")


def doubled(rng: Random, data: bytes) -> bytes:
    """JSON text in which one member stands twice, the second time with another value."""
    starts = [index for index in range(len(data)) if data[index : index + 1] == b"{"]
    if not starts:
        return data
    at = rng.choice(starts) + 1
    key = rng.choice((b"id", b"method", b"params", b"name", b"arguments", b"order", b"_meta", b"jsonrpc", b"n\\u0061me"))
    return data[:at] + b'"%b":%b,' % (key, rng.choice((b"1", b"null", b'"x"', b"{}"))) + data[at:]


def bent(rng: Random, data: bytes) -> bytes:
    """Bytes with something changed that no grammar knows of."""
    at = rng.randrange(len(data) + 1)
    size = rng.randrange(1, 12)
    match rng.randrange(6):
        case 0:
            return data[:at] + rng.choice(_RAW) + data[at:]
        case 1:
            return data[:at] + data[at + size :]
        case 2:
            return data[:at]
        case 3:
            return data[:at] + data[at : at + size] * 2 + data[at + size :]
        case 4 if data:
            at = min(at, len(data) - 1)
            return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        case _:
            return data + rng.choice(_RAW)


def text_of(rng: Random, message: Any) -> bytes:
    """A message on the wire: as it is, or changed in its values, its text or its bytes, up to three times."""
    value = message
    for _ in range(max(0, rng.randrange(5) - 2)):
        value = mutated(rng, value)
    data = encoded(rng, value)
    if rng.random() < 0.15:
        data = doubled(rng, data)
    while rng.random() < 0.25:
        data = bent(rng, data)
    return data


def large(rng: Random) -> bytes:
    """A JSON text of a megabyte or so that is expensive for a careless reader."""
    size = rng.randrange(1, 2**20)
    match rng.randrange(5):
        case 0:
            return b"[" * size
        case 1:
            return b'{"a":' * (size // 5) + b"1" + b"}" * (size // 5)
        case 2:
            return b'{"a":"' + b"\\u00e9" * (size // 6) + b'"}'
        case 3:
            return b"{" + b",".join(b'"%d":0' % number for number in range(size // 10)) + b"}"
        case _:
            return b'{"a":' + b"1" * size + b"}"
