"""A gateway that is forked from a process that had loaded it stands for one that was executed: most tests start theirs so."""

import asyncio
import os
import select
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest
from tests.servers import preloaded_start
from tests.servers.gateway_process import ORDINARY, PATIENCE_S

REFUSED = "version: 1\nagents:\n  writer: {purpose: Writes., tools: [missing.tool]}\n"
STARTED = """
import asyncio, sys
from pathlib import Path
from tests.servers.gateway_process import GatewayProcess
from tests.servers.preloaded_start import PreloadedProcess

async def main():
    gateway = GatewayProcess(Path(sys.argv[1]), Path(sys.argv[2]))
    await gateway.start()
    assert isinstance(gateway._process, PreloadedProcess)
    print(gateway.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_it_says_and_ends_as_an_executed_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - preloaded_start.AT_FIRST.keys():
        monkeypatch.delenv(name)
    for name, value in preloaded_start.AT_FIRST.items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "ringfence.yaml"
    config.write_text(REFUSED)
    command = [*ORDINARY, "up", "--config", str(config), "--state", str(tmp_path / "state"), "--port", "0"]
    with (tmp_path / "errors").open("wb") as errors:
        forked = await preloaded_start.start(command, errors)
        assert forked is not None
        assert await forked.stdout.read() == b""
        code = await forked.wait()
    executed = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    output, said = await executed.communicate()
    assert (code, b"", (tmp_path / "errors").read_bytes()) == (executed.returncode, output, said)
    assert b"missing.tool" in said


async def test_it_ends_with_the_process_that_asked_for_it(tmp_path: Path) -> None:
    config = tmp_path / "ringfence.yaml"
    config.write_text("version: 1\n")
    command = [sys.executable, "-c", STARTED, str(config), str(tmp_path / "state")]
    asking = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, cwd=preloaded_start.ROOT)
    assert asking.stdout is not None
    gateway = os.pidfd_open(int(await asking.stdout.readline()))
    try:
        asking.send_signal(signal.SIGKILL)
        await asking.communicate()
        assert await asyncio.to_thread(select.select, [gateway], [], [], PATIENCE_S) == ([gateway], [], [])
    finally:
        os.close(gateway)
