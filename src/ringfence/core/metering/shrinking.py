"""A request body with another `max_tokens`, and every other byte as it was.

A body that is parsed and written again could read differently to the vendor: betas are bound to fields, numbers lose digits. So
one number is replaced where it stands.
"""

from __future__ import annotations

import json
import re
from typing import Final

from ringfence.errors import RequestError

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_DECODER: Final = json.JSONDecoder()
_KEY: Final = "max_tokens"


def with_max_tokens(data: bytes, most: int) -> bytes:
    """The same body, asking for at most so many tokens. It is one that `read_request` has read.

    Raises: RequestError, where it is none or has no `max_tokens`.
    """
    try:
        text = data.decode("utf-8")
        at = _after_space(text, 0)
        if text[at : at + 1] != "{":
            raise RequestError("the body is no JSON object")
        while text[at : at + 1] in ("{", ","):
            key, at = _DECODER.raw_decode(text, _after_space(text, at + 1))
            start = _after_space(text, _after_space(text, at) + 1)  # past the colon
            _, end = _DECODER.raw_decode(text, start)
            if key == _KEY:
                return (text[:start] + str(most) + text[end:]).encode("utf-8")
            at = _after_space(text, end)
    except (ValueError, RecursionError) as error:
        raise RequestError("the body is no JSON object") from error
    raise RequestError("`max_tokens` is missing")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
