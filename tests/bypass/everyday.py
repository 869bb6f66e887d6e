"""The everyday commands as values. What they are, and how they came to be: README.md beside this file.

The reader is strict: a missing or unknown key, another type or an unknown word raises `CorpusError` with the line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import cast

FILE = Path(__file__).parent / "everyday.jsonl"

KEYS = {"id", "language", "command", "cwd", "harmless", "wish", "why"}


class CorpusError(Exception):
    """A line of the corpus does not have the form that its README gives."""


class Wish(StrEnum):
    """What a careful engineer who wrote settings.json wants to happen."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Language(StrEnum):
    PYTHON = "python"
    JAVASCRIPT = "javascript"
    GO = "go"
    RUST = "rust"
    JVM = "jvm"
    GIT = "git"
    SHELL = "shell"
    INFRA = "infra"


@dataclass(frozen=True, slots=True)
class Everyday:
    """One command as somebody types it. `cwd` is relative to the project."""

    id: str
    language: Language
    command: str
    cwd: str
    harmless: bool
    wish: Wish
    why: str


def everyday() -> tuple[Everyday, ...]:
    """All commands, in the order of the file."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return tuple(_read(number, line) for number, line in enumerate(lines, start=1))


def _read(number: int, line: str) -> Everyday:
    try:
        value = cast("object", json.loads(line))
    except ValueError as error:
        raise CorpusError(f"line {number}: {error}") from error
    if not isinstance(value, dict):
        raise CorpusError(f"line {number}: no object")
    record = cast("dict[str, object]", value)
    if set(record) != KEYS:
        raise CorpusError(f"line {number}: keys {sorted(record)}")
    harmless = record["harmless"]
    if not isinstance(harmless, bool):
        raise CorpusError(f"line {number}: harmless is true or false")
    texts = {key: text for key, text in record.items() if isinstance(text, str) and text.strip()}
    if set(texts) != KEYS - {"harmless"}:
        raise CorpusError(f"line {number}: all but harmless are texts with something in them")
    try:
        return Everyday(
            id=texts["id"],
            language=Language(texts["language"]),
            command=texts["command"],
            cwd=texts["cwd"],
            harmless=harmless,
            wish=Wish(texts["wish"]),
            why=texts["why"],
        )
    except ValueError as error:
        raise CorpusError(f"line {number}: {error}") from error
