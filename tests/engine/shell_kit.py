"""Shell text read by the real parser, for tests."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.adapters.parsers.shfmt import ShfmtParser
from ringfence.core.model.local import Doubt
from ringfence.core.shell.command import Command, Reading
from ringfence.core.shell.written import Unread, Written
from ringfence.engine.local.shell_reading import read_shell

HOME = "/home/ada"
PROJECT = "/srv/project"


async def read(
    text: str, *, wrote: Mapping[str, Written] | None = None, environment: Mapping[str, str] | None = None
) -> Reading:
    parser = ShfmtParser(ready=0)
    files = wrote or {}
    try:
        return await read_shell(
            text,
            parser=parser,
            cwd=PROJECT,
            home=HOME,
            environment=environment or {},
            written=lambda path: files.get(path, Unread.NOT_WRITTEN),
        )
    finally:
        await parser.close()


def texts(reading: Reading) -> list[str]:
    """Each command's words, joined; in their order."""
    return [" ".join(word.text for word in command.words) for command in reading.commands]


def doubts(reading: Reading) -> set[str]:
    return {doubt.kind.value for doubt in every_doubt(reading)}


def every_doubt(reading: Reading) -> list[Doubt]:
    return [*reading.doubts, *(doubt for command in reading.commands for doubt in command.doubts)]


def named(reading: Reading, name: str) -> list[Command]:
    return [command for command in reading.commands if command.words and command.words[0].text == name]
