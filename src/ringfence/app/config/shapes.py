"""The shapes that a value may have. Each reads a node, says what it expected, and describes itself as JSON Schema.

One description serves the reader, its error messages and the editors' schema, so they cannot disagree.
`read` gives plain values (str, int, bool, list, dict), or `BAD` after adding a problem.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ringfence.app.config.document import Entries, Items, Node, Scalar
from ringfence.app.config.problems import Path, Problems, nearest, shown
from ringfence.app.config.scalars import as_integer, as_number, as_seconds, seconds_text, surprising

_PLACES = re.compile(r"(?:0|[1-9][0-9]{0,12})(?:\.[0-9]{1,6})?")


class Bad:
    """The type of `BAD`."""


BAD = Bad()


class Shape(Protocol):
    """What a value has to look like."""

    def read(self, node: Node, path: Path, problems: Problems) -> Any: ...

    def schema(self) -> dict[str, Any]: ...


def found(node: Node) -> str:
    """A node in words, without its text where that could be a secret."""
    match node:
        case Entries():
            return "a mapping"
        case Items():
            return "a list"
        case Scalar(plain=True) if surprising(node.text) == "nothing":
            return "nothing"
        case Scalar(plain=True) if surprising(node.text):
            return f"`{shown(node.text)}`, {surprising(node.text)}"
        case Scalar():
            return "text"


def _wrong(node: Node, path: Path, problems: Problems, expected: str) -> Bad:
    problems.at(node.at, path, f"expected {expected}, found {found(node)}")
    return BAD


@dataclass(frozen=True, slots=True)
class Text:
    """Text, of one line unless `lines`, fully matching `pattern` where one is given. `expected` says so in words."""

    expected: str = "text"
    pattern: str = ""
    most: int = 1000
    lines: bool = False
    integers: bool = False
    """A decimal integer without quotes is text too: every reader writes it back the same."""
    secret: bool = False
    """The text may be a credential: never quoted in a message."""
    examples: tuple[str, ...] = ()

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        if not isinstance(node, Scalar):
            return _wrong(node, path, problems, self.expected)
        integer = self.integers and as_integer(node.text) is not None
        if node.plain and not integer and (taken_for := surprising(node.text)):
            if taken_for == "nothing":
                return _wrong(node, path, problems, self.expected)
            what = "this" if self.secret else f"`{shown(node.text)}`"
            problems.at(node.at, path, f"expected {self.expected}; {what} is read as {taken_for} by YAML: put it in quotes")
            return BAD
        if len(node.text) > self.most:
            problems.at(node.at, path, f"expected at most {self.most} characters, found {len(node.text)}")
            return BAD
        if any(not char.isprintable() and not (self.lines and char in "\n\t") for char in node.text):
            problems.at(node.at, path, f"expected {self.expected} without control or invisible characters")
            return BAD
        if self.pattern and not re.fullmatch(self.pattern, node.text):
            seen = "other text" if self.secret else f"`{shown(node.text)}`"
            problems.at(node.at, path, f"expected {self.expected}, found {seen}")
            return BAD
        return node.text

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": ["string", "integer"] if self.integers else "string", "maxLength": self.most}
        if self.pattern:
            schema["pattern"] = f"^(?:{self.pattern})$"
        if self.examples:
            schema["examples"] = list(self.examples)
        return schema


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        expected = "one of " + ", ".join(f"`{word}`" for word in self.words)
        if not isinstance(node, Scalar):
            return _wrong(node, path, problems, expected)
        if node.text in self.words:
            return node.text
        close = nearest(node.text, self.words)
        hint = close if close.startswith("; nearest") else ""
        problems.at(node.at, path, f"expected {expected}, found `{shown(node.text)}`{hint}")
        return BAD

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`, and no other spelling."""

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        if isinstance(node, Scalar) and node.plain and node.text in ("true", "false"):
            return node.text == "true"
        return _wrong(node, path, problems, "`true` or `false`")

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Integer:
    """A decimal integer between two bounds."""

    least: int
    most: int

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        expected = f"an integer from {self.least} to {self.most}"
        value = as_integer(node.text) if isinstance(node, Scalar) and node.plain else None
        if value is None:
            return _wrong(node, path, problems, expected)
        if not self.least <= value <= self.most:
            problems.at(node.at, path, f"expected {expected}, found {value}")
            return BAD
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time such as `45s`, `15m`, `1h` or `7d`, read as seconds."""

    least: int = 1
    most: int = 366 * 86400

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        expected = f"a duration from {seconds_text(self.least)} to {seconds_text(self.most)} such as `45s`, `15m`, `1h` or `7d`"
        if not isinstance(node, Scalar) or (value := as_seconds(node.text)) is None:
            seen = f"`{shown(node.text)}`" if isinstance(node, Scalar) and node.text else found(node)
            problems.at(node.at, path, f"expected {expected}, found {seen}")
            return BAD
        if not self.least <= value <= self.most:
            problems.at(node.at, path, f"expected {expected}, found `{node.text}`")
            return BAD
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[1-9][0-9]{0,6}[smhd]$", "examples": ["45s", "15m", "1h", "7d"]}


@dataclass(frozen=True, slots=True)
class Decimal:
    """A decimal number that is not negative, read as the text that was written: it stays exact."""

    most: int = 10**12

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        expected = f"a decimal number from 0 to {self.most} with at most six places"
        if not isinstance(node, Scalar) or not node.plain:
            return _wrong(node, path, problems, expected)
        if not _PLACES.fullmatch(node.text) or int(node.text.partition(".")[0]) >= self.most:
            problems.at(node.at, path, f"expected {expected}, found `{shown(node.text)}`")
            return BAD
        return node.text

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class OneOrMore:
    """A list, or the one item that it would have."""

    item: Shape
    most: int = 1000

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        if isinstance(node, Items):
            return ListOf(self.item, most=self.most).read(node, path, problems)
        value = self.item.read(node, path, problems)
        return BAD if value is BAD else [value]

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.item.schema(), ListOf(self.item, most=self.most).schema()]}


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items all have one shape. An item with a problem is read as None, so that the others keep their index."""

    item: Shape
    least: int = 0
    most: int = 1000

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        if not isinstance(node, Items):
            return _wrong(node, path, problems, "a list")
        if not self.least <= len(node.items) <= self.most:
            problems.at(node.at, path, f"expected {self.least} to {self.most} items, found {len(node.items)}")
            return BAD
        values = [self.item.read(item, (*path, index), problems) for index, item in enumerate(node.items)]
        return [None if value is BAD else value for value in values]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.item.schema(), "minItems": self.least, "maxItems": self.most}


@dataclass(frozen=True, slots=True)
class MapOf:
    """Names that the operator chooses, each with a value of one shape. Entries with problems are left out."""

    value: Shape
    key_pattern: str
    key_expected: str
    most: int = 2000

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        if not isinstance(node, Entries):
            return _wrong(node, path, problems, "a mapping")
        if len(node.entries) > self.most:
            problems.at(node.at, path, f"expected at most {self.most} entries, found {len(node.entries)}")
            return BAD
        values: dict[str, Any] = {}
        for key, entry in node.entries.items():
            if not re.fullmatch(self.key_pattern, key):
                problems.at(entry.at, path, f"expected {self.key_expected}, found `{shown(key)}`")
            value = self.value.read(entry.value, (*path, key), problems)
            if value is not BAD:
                values[key] = value
        return values

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "patternProperties": {f"^(?:{self.key_pattern})$": self.value.schema()},
            "additionalProperties": False,
            "maxProperties": self.most,
        }


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a record: its shape and what it means, for people and editors."""

    shape: Shape
    about: str
    required: bool = False
    default: Any = None
    """Shown in the editors' schema; absent keys are simply absent in what `read` gives."""


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with fixed keys. Keys that were absent or wrong are absent in the result."""

    keys: Mapping[str, Key]
    what: str = "a mapping"

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        if not isinstance(node, Entries):
            return _wrong(node, path, problems, self.what)
        values: dict[str, Any] = {}
        for key, entry in node.entries.items():
            known = self.keys.get(key)
            if known is None:
                problems.at(entry.at, path, f"unknown key `{shown(key)}`{nearest(key, self.keys)}")
            elif (value := known.shape.read(entry.value, (*path, key), problems)) is not BAD:
                values[key] = value
        for key, known in self.keys.items():
            if known.required and key not in node.entries:
                problems.at(node.at, path, f"missing key `{key}`: {known.about}")
        return values

    def schema(self) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        for name, key in self.keys.items():
            properties[name] = {**key.shape.schema(), "description": key.about}
            if key.default is not None:
                properties[name]["default"] = key.default
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if required := [name for name, key in self.keys.items() if key.required]:
            schema["required"] = required
        return schema


@dataclass(frozen=True, slots=True)
class OrRecord:
    """Text, or a record in its place (a literal, or where a secret is found)."""

    text: Text | Duration
    record: Record
    expected: str

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        if isinstance(node, Items):
            return _wrong(node, path, problems, self.expected)
        return (self.record if isinstance(node, Entries) else self.text).read(node, path, problems)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.text.schema(), self.record.schema()]}


@dataclass(frozen=True, slots=True)
class TruthOr:
    """`true` or `false`, or a record that says more than `true`."""

    record: Record

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        if isinstance(node, Scalar) and node.plain and node.text in ("true", "false"):
            return node.text == "true"
        return self.record.read(node, path, problems)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, self.record.schema()]}


@dataclass(frozen=True, slots=True)
class FreeObject:
    """A JSON object of any content, with plain scalars as JSON writes them: what YAML readers disagree on has to be quoted."""

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        if not isinstance(node, Entries):
            return _wrong(node, path, problems, "a mapping")
        return self._value(node, path, problems)

    def _value(self, node: Node, path: Path, problems: Problems) -> Any:
        match node:
            case Entries():
                return {key: self._value(entry.value, (*path, key), problems) for key, entry in node.entries.items()}
            case Items():
                return [self._value(item, (*path, index), problems) for index, item in enumerate(node.items)]
            case Scalar(plain=True):
                if node.text in ("true", "false"):
                    return node.text == "true"
                if node.text == "null":
                    return None
                if (number := as_number(node.text)) is not None:
                    return number
                if taken_for := surprising(node.text):
                    said = f"`{shown(node.text)}` is read as {taken_for} by YAML"
                    problems.at(node.at, path, f"{said}: write it as JSON does, or put it in quotes")
                return node.text
            case Scalar():
                return node.text

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}
