"""What holds for every text and every tree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.shell_kit import PROJECT, read, texts

from ringfence.core.shell.reading import attempt
from ringfence.core.shell.written import Unread

NAMES = [
    "File",
    "CallExpr",
    "Lit",
    "SglQuoted",
    "DblQuoted",
    "ParamExp",
    "CmdSubst",
    "ProcSubst",
    "ArithmExp",
    "ExtGlob",
    "BinaryCmd",
    "Block",
    "Subshell",
    "IfClause",
    "WhileClause",
    "ForClause",
    "CaseClause",
    "FuncDecl",
    "DeclClause",
    "LetClause",
    "ArithmCmd",
    "TestClause",
    "TimeClause",
    "CoprocClause",
    "WordIter",
    "CStyleLoop",
    "Word",
    "BinaryArithm",
    "UnaryArithm",
    "ParenArithm",
    "BinaryTest",
    "UnaryTest",
    "ParenTest",
    "Unheard",
]
KEYS = [
    "Type",
    "Stmts",
    "Cmd",
    "Args",
    "Assigns",
    "Parts",
    "Value",
    "Name",
    "Op",
    "X",
    "Y",
    "Redirs",
    "Word",
    "Hdoc",
    "Param",
    "Exp",
    "Index",
    "Slice",
    "Repl",
    "Offset",
    "Length",
    "Cond",
    "Then",
    "Else",
    "Do",
    "Loop",
    "Items",
    "Patterns",
    "Body",
    "Variant",
    "Array",
    "Elems",
    "Exprs",
    "Stmt",
    "Naked",
    "Negated",
    "Background",
    "Dollar",
    "Excl",
    "Short",
    "N",
    "Names",
    "Pos",
    "End",
    "Init",
    "Post",
    "Orig",
    "With",
    "Pattern",
]
VALUES = st.one_of(
    st.sampled_from(
        [
            *NAMES,
            "rm",
            "a",
            "x=1",
            "eval",
            "bash",
            "-c",
            "&&",
            "|",
            "-eq",
            "<<",
            ">",
            "@",
            "*",
            "{a,b}",
            "cd",
            "xargs",
            "find",
            "-exec",
        ]
    ),
    st.text(max_size=4),
    st.booleans(),
    st.none(),
    st.integers(-2, 5),
)
TREES = st.recursive(
    VALUES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=40,
)
STATEMENTS = st.fixed_dictionaries({"Type": st.just("File"), "Stmts": st.lists(TREES, max_size=4)})


def reading_of(tree: dict[str, Any]) -> object:
    return attempt(
        "text", trees={"text": tree}, cwd=PROJECT, home="", environment={}, written=lambda _: Unread.UNREADABLE
    ).reading


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(STATEMENTS)
def test_any_tree_is_read_and_always_in_the_same_way(tree: dict[str, Any]) -> None:
    assert reading_of(tree) == reading_of(tree)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


WAYS: list[Callable[[str], str]] = [
    lambda text: f"true; {text}",
    lambda text: f"true && {{ {text}\n}}",
    lambda text: f"( {text}\n)",
    lambda text: f"x=$( {text}\n)",
    lambda text: f'echo "a $( {text}\n)"',
    lambda text: f"cat <( {text}\n)",
    lambda text: f"f() {{ {text}\n}}; f a",
    lambda text: f"g() {{ {text}\n}}",
    lambda text: f"for i in a b; do {text}\ndone",
    lambda text: f"while a; do {text}\ndone",
    lambda text: f"if a; then b; else {text}\nfi",
    lambda text: f"case $x in a) {text}\n;; esac",
    lambda text: f"eval {quoted(text)}",
    lambda text: f"bash -c {quoted(text)}",
    lambda text: f"timeout 5 sh -c {quoted(text)} name arg",
    lambda text: f"sudo -u ada bash -ec {quoted(text)}",
    lambda text: f"find . -exec sh -c {quoted(text)} \\;",
    lambda text: f"xargs -n1 bash -c {quoted(text)}",
    lambda text: f"trap {quoted(text)} EXIT",
    lambda text: f"ssh host {quoted(text)}",
    lambda text: f"printf '%s' {quoted(text)} > s.sh; bash s.sh",
    lambda text: f"echo {quoted(text)} | sh" if "\\" not in text and not text.startswith("-") else f"sh -c {quoted(text)}",
    lambda text: f"env A=b nice bash -c {quoted(text)} &",
    lambda text: f"[[ -n $( {text}\n) ]]",
    lambda text: f"echo ${{x:-$( {text}\n)}}",
    lambda text: f"! {{ {text}\n}} 2>/dev/null",
    lambda text: f"coproc {{ {text}\n}}",
    lambda text: f'cmd=bash; "$cmd" -c {quoted(text)}',
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.sampled_from(range(len(WAYS))), min_size=1, max_size=5))
def test_a_command_is_found_however_it_is_nested(ways: list[int]) -> None:
    text = "rm -rf keep"
    for way in ways:
        text = WAYS[way](text)
    reading = asyncio.run(read(text))
    # Five ways deep is within what is read: a doubt alone would be too easy an answer.
    assert "rm -rf keep" in texts(reading)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(alphabet="ab $'\"`(){}[]<>|&;\n\\=*?~!#-x1", max_size=30))
def test_any_text_is_read_and_always_in_the_same_way(text: str) -> None:
    assert asyncio.run(read(text)) == asyncio.run(read(text))
