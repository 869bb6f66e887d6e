"""Arguments of a tool that travel in headers of their own as well, where the tool's input schema asks for that. Pure.

A test holds all of it against the official SDK (why it is written again: `mcp_names`).

Source: MCP 2026-07-28, transports, custom headers: `x-mcp-header` in an input schema, `Mcp-Param-*` in a request.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from ringfence.adapters.wire.mcp_names import (
    MCP_PARAM_HEADER_PREFIX,
    X_MCP_HEADER_KEY,
    decode_header_value,
    encode_header_value,
)

Path = tuple[str, ...]
"""The names of properties from the root of a schema, or of the arguments, to one of them."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""The name of a header field (RFC 9110, section 5.6.2)."""
_DECIMAL = re.compile(r"(-?[0-9]+)(?:\.0+)?")
_TYPES: Final = frozenset({"string", "integer", "boolean"})
"""What may be asked for in a header; a float reads differently from one implementation to the next."""

# Where JSON Schema 2020-12 keeps schemas within a schema, besides `properties`. Whatever stands elsewhere is data.
_HOLDS_ONE: Final = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_HOLDS_A_LIST: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_HOLDS_NAMED: Final = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties"})


def header_fault(schema: Any) -> str | None:
    """Why the headers that an input schema asks for are invalid; None where they are not. Clients leave such a tool out."""
    known: dict[str, Path] = {}
    for path, part in _schemas(schema):
        if X_MCP_HEADER_KEY not in part:
            continue
        if not path:
            return f"{X_MCP_HEADER_KEY} stands where no property of the arguments is"
        where, name, kind = ".".join(path), part[X_MCP_HEADER_KEY], part.get("type")
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            return f"property {where!r}: {X_MCP_HEADER_KEY} is not the name of a header"
        if not isinstance(kind, str) or kind not in _TYPES:
            return f"property {where!r}: {X_MCP_HEADER_KEY} is for properties of the type string, integer or boolean"
        if (twin := known.setdefault(name.lower(), path)) != path:
            return f"property {where!r}: the header {name!r} is that of property {'.'.join(twin)!r} as well"
    return None


def header_map(schema: Any) -> dict[Path, str]:
    """By the path of a property, the rest of its header's name; empty for a schema that asks for none, or wrongly."""
    names = {path: name for path, name, _ in _asked_for(schema)}
    return names if names and header_fault(schema) is None else {}


def param_headers(names: Mapping[Path, str], arguments: Mapping[str, Any]) -> dict[str, str]:
    """The headers of one call. An argument that is absent, null or nothing that a header can say has none."""
    said = {name: _written(_at(arguments, path)) for path, name in names.items()}
    return {f"{MCP_PARAM_HEADER_PREFIX}{name}": encode_header_value(text) for name, text in said.items() if text is not None}


def param_mismatch(schema: Any, arguments: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """Why the headers of a call do not say what its arguments say; None where they do.

    Names of `headers` are in lower case. A header without its argument is refused as well: somebody on the way may have
    gone by it. A schema with a fault asks for nothing.
    """
    if header_fault(schema) is not None:
        return None
    for path, name, kind in _asked_for(schema):
        header = f"{MCP_PARAM_HEADER_PREFIX}{name}"
        said, value = headers.get(header.lower()), _at(arguments, path)
        written = _written(value)
        if said is None and written is not None:
            return f"{header} header is missing, the argument {'.'.join(path)!r} is there"
        if said is not None and not (written is not None and _says(decode_header_value(said), written, kind, value)):
            return f"{header} header does not say what the argument {'.'.join(path)!r} says"
    return None


def _schemas(root: Any) -> Iterator[tuple[Path | None, dict[str, Any]]]:
    """Every schema in a schema, references left alone, with its path, which is None where not only properties lead to it.

    A stack, because a server says how deep it goes.
    """
    stack: list[tuple[Path | None, Any]] = [((), root)]
    while stack:
        path, found = stack.pop()
        if not isinstance(found, dict):
            continue
        schema = cast("dict[str, Any]", found)
        yield path, schema
        for key, value in schema.items():
            if key in _HOLDS_ONE:
                stack.append((None, value))
            elif key in _HOLDS_A_LIST and isinstance(value, list):
                stack.extend((None, part) for part in cast("list[Any]", value))
            elif isinstance(value, dict):
                parts = cast("dict[str, Any]", value)
                if key == "properties":
                    stack.extend((None if path is None else (*path, name), part) for name, part in parts.items())
                elif key in _HOLDS_NAMED:
                    stack.extend((None, part) for part in parts.values())


def _asked_for(schema: Any) -> Iterator[tuple[Path, str, Any]]:
    """Each property with a header: its path, the rest of the header's name, its type."""
    for path, part in _schemas(schema):
        if path and isinstance(name := part.get(X_MCP_HEADER_KEY), str):
            yield path, name, part.get("type")


def _at(arguments: Mapping[str, Any], path: Path) -> Any:
    found: Any = arguments
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, Any]", found).get(name)
    return found


def _written(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        return None
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        return None


def _says(said: str | None, written: str, kind: Any, value: Any) -> bool:
    """Whether both are the same; of an integer also `42` and `42.0`."""
    number = _DECIMAL.fullmatch(said) if said is not None and kind == "integer" else None
    if number is None or isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return said == written
    try:
        return int(number[1]) == int(value)
    except ValueError:  # more digits than Python reads
        return False
