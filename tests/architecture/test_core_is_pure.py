"""What the import contracts cannot see: the core names only modules listed here, and no built-in that reaches the world.

A new module on the list is a decision, not an accident. Imports alone are judged by `lint-imports` (pyproject.toml).
"""

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "src" / "ringfence" / "core"

STANDARD = frozenset({
    "__future__", "base64", "binascii", "bisect", "collections", "collections.abc", "copy", "dataclasses", "decimal", "enum",
    "fnmatch", "functools", "hashlib", "heapq", "hmac", "html", "ipaddress", "itertools", "json", "json.encoder", "math",
    "operator", "re", "string", "struct", "types", "typing", "unicodedata", "urllib.parse",
})  # fmt: skip
"""Modules of the standard library that compute and touch nothing."""

LIBRARIES = {
    "abc": {"shell"},
    "ast": {"commands"},
    "contextlib": {"shell"},
    "posixpath": {"shell"},
    "msgspec": {"strict_json"},
    "cryptography": {"audit"},
    "cedarpy": {"policy"},
    "datetime": {"flow"},
    "difflib": {"permissions"},
    "ahocorasick_rs": {"scan"},
    "hyperscan": {"scan"},
    "jsonschema_rs": {"checks", "narrowing"},
    "re2": {"scan"},
    "shlex": {"commands", "ledger"},
    "stdnum": {"scan"},
}
"""Libraries that compute and touch nothing, and the parts of the core that may use them. `datetime` knows the calendar, and the
clock, which `CLOCKS` takes away again; `ast` reads the text of a program and runs none; of `shlex` only quoting and splitting
are used, of `posixpath` what works on text alone."""

CLOCKS = frozenset({"now", "today", "utcnow"})
"""Attributes of `date` and `datetime` that read the clock."""

FORBIDDEN_NAMES = frozenset({"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint", "globals"})


def part_of(module: Path) -> str:
    """The first name below `core`: what the import contract calls a layer."""
    return module.relative_to(CORE).parts[0].removesuffix(".py")


def is_listed(module: str, part: str) -> bool:
    root = module.partition(".")[0]
    return module in STANDARD or root == "ringfence" or part in LIBRARIES.get(root, ())


def faults(source: str, part: str) -> list[str]:
    """What a module of the core may not do, in the order of the source."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names, lineno=line):
                found += [(line, f"import {alias.name}") for alias in names if not is_listed(alias.name, part)]
            case ast.ImportFrom(level=level, lineno=line) if level > 0:
                found.append((line, "relative import"))
            case ast.ImportFrom(module=str(module), lineno=line) if not is_listed(module, part):
                found.append((line, f"from {module} import"))
            case ast.Name(id=name, lineno=line) if name in FORBIDDEN_NAMES:
                found.append((line, name))
            case ast.Attribute(value=ast.Name(id="date" | "datetime"), attr=attribute, lineno=line) if attribute in CLOCKS:
                found.append((line, attribute))
            case ast.AsyncFunctionDef(name=name, lineno=line):
                found.append((line, f"async def {name}"))
            case ast.Await(lineno=line):
                found.append((line, "await"))
            case ast.Global(names=names, lineno=line):
                found.append((line, f"global {', '.join(names)}"))
            case _:
                pass
    return [f"line {line}: {what}" for line, what in sorted(found)]


def test_the_core_is_pure() -> None:
    modules = sorted(CORE.rglob("*.py"))
    assert "canonical.py" in {module.name for module in modules}, "a wrong path would pass trivially"
    found = {str(module.relative_to(CORE)): faults(module.read_text("utf-8"), part_of(module)) for module in modules}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("open('x')", "rules"),
        ("f = open", "rules"),
        ("print(1)", "checks"),
        ("import zipfile", "rules"),
        ("import time", "rules"),
        ("def f():\n    import os", "rules"),
        ("from urllib import request", "rules"),
        ("import urllib.request", "rules"),
        ("from . import model", "rules"),
        ("async def f(): ...", "decision"),
        ("__import__('os')", "rules"),
        ("def f():\n    global CACHE\n    CACHE = 1", "rules"),
        ("import cryptography.hazmat", "checks"),
        ("from cryptography.exceptions import InvalidSignature", "canonical"),
        ("import jsonschema_rs", "audit"),
        ("import msgspec", "checks"),
        ("import ahocorasick_rs", "framing"),
        ("import hyperscan", "framing"),
        ("import re2", "suspicion"),
        ("from datetime import date", "ledger"),
        ("datetime.now(UTC)", "flow"),
        ("date.today()", "flow"),
    ],
)
def test_the_check_itself_is_not_blind(source: str, part: str) -> None:
    assert len(faults(source, part)) == 1


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("from urllib.parse import urlsplit", "rules"),
        ("from ringfence.core.model import Call", "rules"),
        ("from cryptography.exceptions import InvalidSignature", "audit"),
        ("import jsonschema_rs", "checks"),
        ("import ahocorasick_rs", "scan"),
        ("import hyperscan", "scan"),
        ("import re2", "scan"),
        ("from datetime import date", "flow"),
        ("def printable(): ...", "rules"),
    ],
)
def test_what_computes_and_touches_nothing_is_let_through(source: str, part: str) -> None:
    assert faults(source, part) == []
