"""The promises of a parser of shell text, kept by the fake and by shfmt."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from ringfence.adapters.parsers.shfmt import ShfmtParser, find_shfmt
from ringfence.errors import UnavailableError
from ringfence.ports.shell_parser import NotShell, ShellParser
from ringfence.testing.contracts.shell_parser import ShellParserContract
from ringfence.testing.fakes.shell_parser import FakeShellParser


@asynccontextmanager
async def shfmt(program: str | None = None, *, deadline: float = 20.0, ready: int = 2) -> AsyncGenerator[ShfmtParser]:
    parser = ShfmtParser(program=program, deadline=deadline, ready=ready)
    try:
        yield parser
    finally:
        await parser.close()


@asynccontextmanager
async def fake() -> AsyncGenerator[FakeShellParser]:
    yield FakeShellParser()


class TestFake(ShellParserContract):
    def parser(self) -> AbstractAsyncContextManager[ShellParser]:
        return fake()


class TestShfmt(ShellParserContract):
    def parser(self) -> AbstractAsyncContextManager[ShellParser]:
        return shfmt()


def program(folder: Path, text: str) -> str:
    path = folder / "shfmt"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def text_of(path: Path) -> str:
    return path.read_text()


def gone(pids: list[str]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_the_program_is_found_beside_the_interpreter() -> None:
    assert os.access(find_shfmt(), os.X_OK)


async def test_a_parser_that_never_answers_is_unavailable_and_ended(tmp_path: Path) -> None:
    async with shfmt(program(tmp_path, f"echo $$ > {tmp_path}/pid; exec /bin/sleep 600"), deadline=0.5, ready=0) as parser:
        with pytest.raises(UnavailableError):
            await parser.parse("a")
    pid = text_of(tmp_path / "pid").strip()
    assert gone([pid])


async def test_an_answer_that_is_no_tree_makes_it_unavailable(tmp_path: Path) -> None:
    async with shfmt(program(tmp_path, "echo '[1]'"), ready=0) as parser:
        with pytest.raises(UnavailableError):
            await parser.parse("a")


async def test_a_program_that_is_not_there_makes_it_unavailable(tmp_path: Path) -> None:
    async with shfmt(str(tmp_path / "none"), ready=0) as parser:
        with pytest.raises(UnavailableError):
            await parser.parse("a")


async def test_a_program_that_is_ended_from_outside_makes_it_unavailable(tmp_path: Path) -> None:
    async with shfmt(program(tmp_path, "kill -9 $$"), ready=0) as parser:
        with pytest.raises(UnavailableError):
            await parser.parse("a")


async def test_a_closed_parser_is_unavailable_and_may_be_closed_again() -> None:
    async with shfmt() as parser:
        await parser.parse("a")
        await parser.close()
        with pytest.raises(UnavailableError):
            await parser.parse("b")


async def test_what_is_nested_too_deep_for_a_tree_is_no_shell() -> None:
    async with shfmt() as parser:
        assert isinstance(await parser.parse("( " * 400 + "a" + " )" * 400), NotShell)


async def test_no_process_waits_after_the_parser_is_closed(tmp_path: Path) -> None:
    async with shfmt(program(tmp_path, f'echo $$ >> {tmp_path}/pids; exec {find_shfmt()} "$@"')) as parser:
        for number in range(6):
            await parser.parse(f"say {number}")
    pids = text_of(tmp_path / "pids").split()
    assert len(pids) >= 6
    assert gone(pids)
