"""Reading the JSON of a model API. Strict where two readers could differ, lenient where a conversation must go on.

A body is forwarded as it came, so what is read here decides nothing about what is sent. A key twice would: the meter could read
one `max_tokens` and the model another. It is refused, like numbers that are not finite and text that is not UTF-8. A large
number is not: conversations hold ids of twenty digits that a model once wrote, and refusing one would end the run for good. It
is read as its text.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from ringfence.errors import RequestError

DEEPEST: Final = 128
"""Arrays and objects inside each other."""
MOST_VALUES: Final = 1_000_000
_LARGEST: Final = 2**53 - 1
_LONGEST_NUMBER: Final = 17


def read_json(data: bytes) -> Any:
    """The value of one JSON text; numbers beyond 2^53-1 as text. Raises RequestError, and nothing else, for any bytes."""
    containers = data.count(b"[") + data.count(b"{")
    if len(data) > MOST_VALUES and containers + data.count(b",") > MOST_VALUES:
        raise RequestError(f"more than {MOST_VALUES} values")
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RequestError("not UTF-8") from error
    except RecursionError as error:
        raise RequestError("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise RequestError(f"not JSON at character {error.pos}") from error
    if containers > DEEPEST:
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                below.extend(each for each in item.values() if type(each) is dict or type(each) is list)
            elif type(item) is list:
                below.extend(each for each in item if type(each) is dict or type(each) is list)
        if not below:
            return
        level = below
    raise RequestError(f"nested more than {DEEPEST} deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise RequestError("a key stands twice in one object")
    return members


def _integer(text: str) -> int | str:
    if len(text) > _LONGEST_NUMBER:
        return text
    number = int(text)
    return number if -_LARGEST <= number <= _LARGEST else text


def _float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) and abs(number) <= _LARGEST else text


def _constant(_: str) -> NoReturn:
    raise RequestError("a number is not finite")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)
