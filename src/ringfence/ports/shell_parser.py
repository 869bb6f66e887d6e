"""Shell text to a syntax tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class NotShell:
    """The text cannot be parsed."""

    why: str


class ShellParser(Protocol):
    """A parser of bash."""

    async def parse(self, text: str) -> Mapping[str, Any] | NotShell:
        """The syntax tree of `text` as shfmt writes it in JSON (`shfmt --to-json`, mvdan.cc/sh/v3/syntax).

        Raises UnavailableError where the parser did not answer within its deadline.
        """
        ...
