"""How far the results of tools are trusted that an agent's own process runs: the operator's word, by the tool's name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from ringfence.core.model.label import Label
from ringfence.core.model.profile import Sensitivity, Trust

UNKNOWN: Final = Label(Trust.UNTRUSTED, Sensitivity.INTERNAL)
"""Of a tool that nobody has said anything about: it may have read a web page as well as a file, but nothing says a secret."""
OF_OTHERS: Final = Label(Trust.UNTRUSTED)
"""Of a tool that the vendor runs, since searches and fetches bring in what anybody may have written; and of every error, which
quotes it."""


@dataclass(frozen=True, slots=True)
class LocalTool:
    """What the results of some tools are worth."""

    pattern: str
    """A tool's name as the client gives it to its model, or a pattern (`mcp__notes__*`)."""
    label: Label


def label_of(tool: str, known: Iterable[LocalTool]) -> Label:
    """Of what a tool returns. The first that fits counts."""
    return next((one.label for one in known if fnmatchcase(tool, one.pattern)), UNKNOWN)
