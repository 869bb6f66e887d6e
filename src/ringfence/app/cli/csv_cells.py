"""Records for spreadsheets. A cell never begins with what a spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What OWASP lists under CSV injection, with the full-width forms that some spreadsheets fold."""


def record(cells: Iterable[object]) -> str:
    """One RFC 4180 record, every cell in quotes, without the line's end."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="").writerow([_safe(cell) for cell in cells])
    return text.getvalue()


def _safe(cell: object) -> str:
    text = "" if cell is None else str(cell)
    # Also behind blanks, which spreadsheets skip.
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
