"""A process that has loaded a program's modules and becomes one run of it after another: forked, not executed.

Four fifths of a gateway's start is loading the same modules, and the suite starts more than a hundred. What is forked here is a
process of its own, with one thread, as it stands before the first line of `main`. How the installed command starts is tried
where that is the question: `tests/acceptance`, `tests/app/test_light_start.py`, the drills and the boxes.

`python -m tests.servers.preloaded FD MODULE...`: on the socket FD comes a packet of JSON for each run, and with it three
descriptors: its standard output, its standard error, and where its process id goes at once and its exit code in the end, each
on a line. The end of the socket ends every run.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

_LONGEST_REQUEST = 65536


@dataclass(frozen=True)
class Start:
    """What a forked process is to be: a script, or the `main` of a module, with these words as its command line."""

    program: str
    arguments: list[str]
    folder: str
    umask: int
    output: int
    errors: int
    status: int


def load() -> None:
    """Import it all, as `ringfence up` does: the collector would walk what is being imported again and again."""
    gc.disable()
    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.enable()


def serve(asked: socket.socket) -> Start | None:
    """Fork for each request. Comes back in a new process with what that is to be, and in this one with None in the end."""
    assert len(os.listdir("/proc/self/task")) == 1, "whatever a thread holds would stay held in what is forked"
    begun: dict[int, tuple[int, int]] = {}
    """Of each child's pidfd: its process id, and where its exit code goes."""
    try:
        poll = select.poll()
        poll.register(asked, select.POLLIN)
        while True:
            for ready, _ in poll.poll():
                if ready in begun:
                    poll.unregister(ready)
                    _ended(ready, *begun.pop(ready))
                elif (start := _requested(asked)) is None:
                    return None
                elif (child := os.fork()) == 0:
                    begun.clear()
                    return start
                else:
                    os.write(start.status, b"%d\n" % child)
                    os.close(start.output)
                    os.close(start.errors)
                    descriptor = os.pidfd_open(child)
                    begun[descriptor] = child, start.status
                    poll.register(descriptor, select.POLLIN)
    finally:
        for descriptor, (child, status) in begun.items():
            os.kill(child, signal.SIGKILL)
            _ended(descriptor, child, status)


def _requested(asked: socket.socket) -> Start | None:
    said, descriptors, _, _ = socket.recv_fds(asked, _LONGEST_REQUEST, 3)
    if not said:
        return None
    program, arguments, folder, umask = cast("tuple[str, list[str], str, int]", json.loads(said))
    return Start(program, arguments, folder, umask, *descriptors)


def _ended(descriptor: int, child: int, status: int) -> None:
    _, code = os.waitpid(child, 0)
    with suppress(BrokenPipeError):
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(code))
    os.close(status)
    os.close(descriptor)


def become(start: Start) -> None:
    """In the forked process: the surroundings that it would have been executed with."""
    os.dup2(start.output, 1)
    os.dup2(start.errors, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(start.folder)
    os.umask(start.umask)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = start.arguments


def main() -> None:
    """Load, serve, and in what is forked run the command."""
    # A person who interrupts tests at a terminal interrupts what was forked, and this process ends with the tests.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load()
    asked = socket.socket(fileno=int(sys.argv[1]))
    start = serve(asked)
    if start is None:
        return
    asked.detach()
    become(start)
    if start.program.endswith(".py"):
        sys.path[0] = os.path.dirname(start.program)
        runpy.run_path(start.program, run_name="__main__")
    else:
        importlib.import_module(start.program).main()


if __name__ == "__main__":
    main()
