"""What every parser of shell text keeps. Subclass it in a test file and say how to make one."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from ringfence.core.shell.nodes import below, children, kind, literal
from ringfence.ports.shell_parser import NotShell, ShellParser


class ShellParserContract(ABC):
    """The promises of `ringfence.ports.shell_parser.ShellParser`."""

    @abstractmethod
    def parser(self) -> AbstractAsyncContextManager[ShellParser]:
        """One that works, and is closed at the end."""

    async def test_a_command_is_a_call_of_its_words(self) -> None:
        async with self.parser() as parser:
            tree = _tree(await parser.parse("rm -rf 'a b'"))
        assert _words(tree) == [["rm", "-rf", "a b"]]

    async def test_commands_of_a_list_and_of_a_pipe_are_all_there(self) -> None:
        async with self.parser() as parser:
            tree = _tree(await parser.parse("a; b && c | d"))
        assert sorted(_words(tree)) == [["a"], ["b"], ["c"], ["d"]]
        assert {node["Op"] for node in below(tree) if kind(node) == "BinaryCmd"} == {"&&", "|"}

    @pytest.mark.parametrize("text", ["'open", "a &&"])
    async def test_what_is_no_shell_is_said_to_be_none(self, text: str) -> None:
        async with self.parser() as parser:
            made = await parser.parse(text)
        assert isinstance(made, NotShell)
        assert made.why

    async def test_no_text_is_no_statement(self) -> None:
        async with self.parser() as parser:
            assert not children(_tree(await parser.parse("")), "Stmts")

    async def test_the_same_text_has_the_same_tree(self) -> None:
        async with self.parser() as parser:
            first, again = await parser.parse("a; b"), await parser.parse("a; b")
        assert json.dumps(first) == json.dumps(again)

    async def test_many_texts_at_once_each_have_their_own_tree(self) -> None:
        async with self.parser() as parser:
            trees = await asyncio.gather(*(parser.parse(f"say n{number}") for number in range(20)))
        assert [_words(_tree(tree)) for tree in trees] == [[["say", f"n{number}"]] for number in range(20)]


def _tree(made: Mapping[str, Any] | NotShell) -> Mapping[str, Any]:
    assert not isinstance(made, NotShell), made
    return made


def _words(tree: Mapping[str, Any]) -> list[list[str]]:
    calls = [node for node in below(tree) if kind(node) == "CallExpr"]
    return [["".join(literal(part) for part in children(word, "Parts")) for word in children(call, "Args")] for call in calls]
