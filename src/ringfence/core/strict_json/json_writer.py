"""RFC 8785 canonical JSON written the slow, complete way: the reference that the fast encoder is held to.

Numbers follow RFC 8785 section 3.2.2.3, which takes the algorithm of ECMAScript (ECMA-262, Number::toString, radix 10): the
shortest digits that read back as the same double, in one of four layouts. Pure.
"""

from collections.abc import Mapping
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, cast

from ringfence.errors import RequestError

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser reads exactly (RFC 7493 section 2.2)."""
_FIRST_EXPONENT = 1e21
"""From here on the canonical text has an exponent, so no parser takes it for an integer."""
_LARGEST_PLAIN = 21
"""Decimal point positions up to here are written without an exponent (ECMA-262)."""
_SMALLEST_PLAIN = -6
"""Above this position a small number is written with leading zeros, at or below it with an exponent (ECMA-262)."""


def write(value: Any, parts: list[str]) -> None:
    """Append the canonical text of a value to `parts`.

    Raises: RequestError for what JSON cannot say exactly, UnicodeEncodeError for a lone surrogate in a key, RecursionError.
    """
    if value is None:
        parts.append("null")
    elif value is True or value is False:
        parts.append("true" if value else "false")
    elif isinstance(value, str):
        parts.append(encode_basestring(value))
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise RequestError("an integer is beyond 2^53-1")
        parts.append(int.__repr__(value))
    elif isinstance(value, float):
        check_float(value)
        parts.append(number_text(value))
    elif isinstance(value, list | tuple):
        _write_array(cast("list[Any] | tuple[Any, ...]", value), parts)
    elif isinstance(value, Mapping):
        _write_object(cast("Mapping[Any, Any]", value), parts)
    else:
        raise RequestError(f"JSON cannot say a {type(value).__name__}")


def _write_array(items: list[Any] | tuple[Any, ...], parts: list[str]) -> None:
    before = "["
    for item in items:
        parts.append(before)
        write(item, parts)
        before = ","
    parts.append("]" if items else "[]")


def _write_object(members: Mapping[Any, Any], parts: list[str]) -> None:
    if not all(isinstance(key, str) for key in members):
        raise RequestError("a key is not a string")
    before = "{"
    # RFC 8785 section 3.2.3: by UTF-16 code units, which differs from code points above U+FFFF.
    for key in sorted(members, key=lambda name: name.encode("utf-16-be")):
        parts.append(f"{before}{encode_basestring(key)}:")
        write(members[key], parts)
        before = ","
    parts.append("}" if members else "{}")


def check_float(number: float) -> None:
    """Raises: RequestError for a double whose canonical text would be an integer beyond +-(2^53-1), or that is not finite."""
    if -MAX_INTEGER <= number <= MAX_INTEGER:
        return
    size = abs(number)
    if size < _FIRST_EXPONENT:
        raise RequestError("an integer is beyond 2^53-1")
    if not size < float("inf"):
        raise RequestError("a number is not finite")


def number_text(number: float) -> str:
    """The canonical text of a double; both zeros are `0`.

    Raises: RequestError for NaN and the infinities, which JSON cannot say.
    """
    if not isfinite(number):
        raise RequestError("a number is not finite")
    if number == 0:
        return "0"
    # INVARIANT: float.__repr__ gives the shortest digits that read back as the same double, as ECMAScript asks for.
    mantissa, _, exponent = float.__repr__(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    padded = whole + fraction
    digits = padded.lstrip("0")
    point = len(whole) + int(exponent or "0") - (len(padded) - len(digits))
    return ("-" if number < 0 else "") + _lay_out(digits.rstrip("0"), point)


def _lay_out(digits: str, point: int) -> str:
    """Digits with the decimal point after the first `point` of them."""
    if len(digits) <= point <= _LARGEST_PLAIN:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _LARGEST_PLAIN:
        return f"{digits[:point]}.{digits[point:]}"
    if _SMALLEST_PLAIN < point <= 0:
        return "0." + "0" * -point + digits
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{point - 1:+d}"
