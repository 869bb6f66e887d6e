"""The bridge's own ends: file descriptors of any kind."""

import asyncio
import os
from pathlib import Path

from ringfence.app.bridge.stdio import FdSink, FdSource


async def test_a_pipe_is_read_to_its_end() -> None:
    there, here = os.pipe()
    source = FdSource(there)
    os.write(here, b"one\n")
    assert await source.read(10) == b"one\n"
    os.write(here, b"two")
    os.close(here)
    assert await source.read(10) == b"two"
    assert await source.read(10) == b""
    assert await source.read(10) == b""
    os.close(there)


async def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"x" * 3_000_000)
    with path.open("rb") as file:
        source = FdSource(file.fileno())
        parts = [await source.read(10)]
        while parts[-1]:
            parts.append(await source.read(10))
    assert b"".join(parts) == path.read_bytes()


async def test_a_message_larger_than_a_pipe_is_written_whole() -> None:
    there, here = os.pipe()
    sink, source = FdSink(here), FdSource(there)
    message = b"y" * 500_000 + b"\n"
    writing = asyncio.create_task(sink.write(message))
    got = b""
    while len(got) < len(message):
        got += await source.read(10)
    await writing
    assert got == message
    os.close(here)
    assert await source.read(10) == b""
    os.close(there)
