"""No sandbox: what is kept all the same."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from ringfence.adapters.sandbox.descriptors import readable
from ringfence.adapters.sandbox.names import started
from ringfence.adapters.sandbox.none.processes import members
from ringfence.adapters.sandbox.none.sandbox import NoSandbox
from ringfence.core.model.box import BoxLimits, BoxProfile, Layer
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import BoxEnd, BoxPlan, Standing, Workspace, WorkspaceKind


def plan(*command: str, wall_clock_s: int = 60, **changes: Any) -> BoxPlan:
    profile = BoxProfile(name="test", limits=BoxLimits(wall_clock_s=wall_clock_s), needs=frozenset(Layer))
    return BoxPlan(name="a", command=command, profile=profile, **changes)


async def ran(script: str, **changes: Any) -> tuple[BoxEnd, str]:
    with tempfile.TemporaryFile() as out:
        box = await NoSandbox().start(plan("sh", "-c", script, stdio=(0, out.fileno(), 2), **changes))
        box.release()
        end = await box.wait()
        await box.close()
        return end, os.pread(out.fileno(), 10_000, 0).decode()


async def test_the_environment_is_made_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODUCTION_TOKEN", "hunter2")
    _, out = await ran("env", environment={"GIVEN": "1"})
    assert "hunter2" not in out
    assert "GIVEN=1" in out.splitlines()


async def test_no_descriptor_is_inherited() -> None:
    leaked = os.open("/", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    _, out = await ran("ls /proc/self/fd | wc -l")
    os.close(leaked)
    assert out.strip() == "4"


async def test_nothing_is_claimed() -> None:
    box = await NoSandbox().start(plan("true", listener_port=8080))
    assert box.layers == frozenset()
    assert box.listener is None
    await box.close()
    assert {found.standing for found in await NoSandbox().probe()} == {Standing.ABSENT}


async def test_exit_codes_are_kept() -> None:
    assert (await ran("exit 7"))[0].code == 7
    assert (await ran("kill -TERM $$"))[0].code == 143
    assert (await ran("exec no-such-program"))[0].code == 127


async def test_the_command_waits_until_it_is_let_go(tmp_path: Path) -> None:
    box = await NoSandbox().start(plan("touch", str(tmp_path / "begun")))
    assert list(members(box.pid).values()) == ["T"]
    assert not (tmp_path / "begun").exists()
    box.release()
    assert (await box.wait()).code == 0
    assert (tmp_path / "begun").exists()
    await box.close()


async def test_a_kill_reaches_the_session_of_the_command_paused_or_not() -> None:
    reader, writer = os.pipe()
    box = await NoSandbox().start(plan("sh", "-c", "(sleep 1000 &) ; echo ready; sleep 1000", stdio=(0, writer, 2)))
    os.close(writer)
    box.release()
    assert await readable(reader, 20)
    await box.pause()
    held = members(box.pid)
    assert len(held) >= 2
    assert set(held.values()) == {"T"}
    await box.kill()
    assert [pid for pid in held if started(pid) is not None] == []
    assert (await box.wait()).why == "killed"
    await box.close()
    os.close(reader)


async def test_the_wall_clock_ends_it() -> None:
    end, _ = await ran("sleep 1000", wall_clock_s=0)
    assert end.why == "wall clock"


async def test_a_clone_is_refused() -> None:
    with pytest.raises(UnavailableError):
        await NoSandbox().start(plan("true", workspace=Workspace(kind=WorkspaceKind.CLONE, source="/usr")))
