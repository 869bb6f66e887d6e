"""A server process that has ended before its start was told of: nothing is raised into the loop."""

import asyncio

from ringfence.adapters.upstream.options import StdioOptions
from ringfence.adapters.upstream.process import Process


class ClosedPipe(asyncio.WriteTransport):
    """As uvloop has it once the other end is gone."""

    def is_closing(self) -> bool:
        return True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        raise RuntimeError("the handler is closed")


class EndedProcess(asyncio.SubprocessTransport):
    def get_pid(self) -> int:
        return 1

    def get_pipe_transport(self, fd: int) -> asyncio.BaseTransport | None:
        return ClosedPipe()


def test_a_process_that_ended_at_once_is_one_that_cannot_be_written_to() -> None:
    process = Process(StdioOptions(command="x"), lambda line: None, lambda why: None)
    process.connection_made(EndedProcess())
    assert not process.can_write
