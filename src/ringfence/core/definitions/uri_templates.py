"""Which resource templates a URI could come from, in linear time. Pure.

An expression (RFC 6570, `{name}`, `{+path}`, `{?q}`) stands for any text here, also the empty one: rather one template too many
than one too few. Case and percent-encoding are read over, as servers may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

_EXPRESSION = re.compile(r"\{[^{}]*\}")


def likeness(template: str, uri: str) -> int | None:
    """How many characters of a template stand in a URI as they are; None where the URI cannot be one of its expansions."""
    text = _read(uri)
    first, *rest = (_read(part) for part in _EXPRESSION.split(template))
    literal = len(first) + sum(map(len, rest))
    if not rest:
        return literal if text == first else None
    *middle, last = rest
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return None
    place, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, place, end)
        if found < 0:
            return None
        place = found + len(part)
    return literal


def likest(templates: Iterable[str], uri: str) -> int:
    """The greatest likeness of any of these templates; -1 where the URI comes from none of them."""
    return max((found for template in templates if (found := likeness(template, uri)) is not None), default=-1)


def _read(text: str) -> str:
    return unquote(text).casefold()
