"""Masking a stream of which a secret may lie across two pieces, without letting any part of it out. Pure.

The tail of what has come is kept back until more has. INVARIANT: how much is kept depends on line breaks and a fixed length,
never on whether a secret seems to begin there: an agent that has a server repeat its words piece by piece would see by the
delay which guess was right.
"""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.redactor import Redactor, masked

_BREAK: Final = "\n"
"""A credential that was put into a header has none. Of a secret of several lines each long line is looked for by itself."""


class Sieve:
    """One stream. Bytes are given and taken as latin-1, so that what is no text passes unharmed."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._kept = ""

    def piece(self, text: str) -> str:
        """What can go on, now that this has come."""
        redactor = self._redactor
        if not redactor:
            text, self._kept = self._kept + text, ""
            return text
        text = self._kept + text
        cut = max(text.rfind(_BREAK) + 1, len(text) - redactor.longest + 1, 0)
        spans = redactor.spans(text)
        for begin, end in spans:
            if begin < cut < end:
                cut = begin
        self._kept = text[cut:]
        return masked(text[:cut], [span for span in spans if span[1] <= cut])

    def rest(self) -> str:
        """The end has come."""
        text, self._kept = self._kept, ""
        return self._redactor.text(text)
