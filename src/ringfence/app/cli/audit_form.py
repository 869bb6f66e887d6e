"""How a log is written to files."""

from enum import StrEnum


class Form(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    TILES = "tiles"
