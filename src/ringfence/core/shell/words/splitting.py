"""Into which words an unquoted expansion falls."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.shell.values import Value

BLANKS: Final = " \t\n"
"""What separates words where nobody said otherwise."""


def split(known: str, separators: Value | None) -> list[str] | None:
    """Pieces of an unquoted expansion; None: what separates words is not known. An empty first or last piece is a boundary."""
    if separators is None:
        blanks = BLANKS
    elif not separators.is_known:
        return None
    else:
        blanks = separators.text
    if not blanks:
        return [known]
    # Several separators that are no blanks make empty words: what they part is not worked out here.
    if any(one not in BLANKS for one in blanks) and re.search("[" + re.escape(blanks) + "]{2}", known):
        return None
    return re.split("[" + re.escape(blanks) + "]+", known)
