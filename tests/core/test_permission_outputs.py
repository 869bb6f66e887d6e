"""Edit rules against what a project's own tools write by an option, or mend."""

from __future__ import annotations

import pytest

from ringfence.core.commands.kinds import KINDS
from ringfence.core.model.local import Kind, LocalAct, Place
from ringfence.core.permissions.outputs import outputs

PLACE = Place(cwd="/p", roots=("/p",), home="/home/me")


def written(text: str, kind: str = "project") -> set[str]:
    words = tuple(text.split(" "))
    act = LocalAct(
        kind=Kind.COMMAND, text=text, tool="", words=words, profile=KINDS[kind].profile, scope=KINDS[kind].scope, is_known=True
    )
    return {use.path for use in outputs(act, PLACE)}


@pytest.mark.parametrize(
    "text",
    [
        *("tsc --outDir x", "tsc --outFile=x", "tsc --declarationDir x", "eslint -o x .", "eslint --cache-location=x ."),
        "eslint --fix x",
        *("vitest --outputFile=x", "mypy --html-report x src", "tox --result-json x", "golangci-lint run --output.text.path=x"),
        *("pytest --cov-report html:x", "black x", "python -m black x", "ruff format x", "ruff check --fix x"),
        "prettier --write x",
        *("scc --format-multi csv:x --out html:x", "cargo clean --target-dir=x", "alembic revision --version-path x"),
    ],
)  # fmt: skip
def test_what_a_tool_writes_is_named(text: str) -> None:
    assert "/p/x" in written(text)


@pytest.mark.parametrize("text", ["eslint x", "ruff check x", "prettier --check x", "tsc -p x", "git log --output x", "make x"])
def test_what_it_only_looks_at_is_not(text: str) -> None:
    assert not written(text)


def test_what_only_reads_writes_nothing() -> None:
    assert not written("sort --output x", "reads")
