"""Boxes as containers, on a stand-in for the engine: what it is told, and what becomes of what it says."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringfence.adapters.sandbox.container.argv import PREFIX, Engine
from ringfence.adapters.sandbox.container.sandbox import ContainerSandbox
from ringfence.adapters.sandbox.names import pid_space
from ringfence.core.model.box import BoxLimits, BoxProfile, Layer
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import BoxPlan, Standing, Workspace, WorkspaceKind

DOCKER = {
    "MemoryLimit": True, "PidsLimit": True, "CpuCfsQuota": True, "SecurityOptions": ["name=seccomp,profile=builtin"],
}  # fmt: skip
ROOTLESS_V1 = {"host": {"cgroupControllers": [], "cgroupVersion": "v1", "security": {"seccompEnabled": True, "rootless": True}}}
PROFILE = BoxProfile(name="test", limits=BoxLimits(memory_mib=64, processes=20, cpu_percent=150, wall_clock_s=60))


class EngineWorld:
    """The stand-in, where it keeps its containers, and what it was told."""

    def __init__(self, place: Path) -> None:
        self.place = place
        program = place / "podman"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -B {Path(__file__).with_name("fake_engine.py")} "$@"\n')
        program.chmod(0o755)
        self.says(DOCKER)
        self.sandbox = ContainerSandbox(Engine(program=str(program), image="the-image"))

    def says(self, info: object) -> None:
        (self.place / "info").write_text(json.dumps(info))

    def told(self, verb: str) -> list[list[str]]:
        lines = [json.loads(line) for line in (self.place / "log").read_text().splitlines()]
        return [line for line in lines if line[0] == verb]

    def plan(self, *command: str, **changes: Any) -> BoxPlan:
        return BoxPlan(name="a", command=command, profile=changes.pop("profile", PROFILE), **changes)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineWorld:
    monkeypatch.setenv("HOME", str(tmp_path))
    return EngineWorld(tmp_path)


async def test_a_container_has_no_network_no_privileges_and_every_limit(world: EngineWorld) -> None:
    box = await world.sandbox.start(world.plan("true"))
    await box.close()
    (told,) = world.told("create")
    line = " ".join(told)
    for part in (
        "--network none", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--memory 64m --memory-swap 64m",
        "--pids-limit 20", "--cpus 1.5", "--user 1000:1000", "--pull never", "the-image true",
    ):  # fmt: skip
        assert part in line
    assert not [part for part in told if part.startswith("/var/run") or "docker.sock" in part]
    assert list(world.place.glob("*.json")) == []


async def test_it_begins_when_it_is_let_go_and_keeps_the_exit_code(world: EngineWorld) -> None:
    reader, writer = os.pipe()
    box = await world.sandbox.start(world.plan("sh", "-c", "echo hi; exit 7", stdio=(0, writer, 2)))
    assert world.told("start") == []
    box.release()
    os.close(writer)
    end = await box.wait()
    await box.close()
    assert (end.code, end.why, os.read(reader, 9)) == (7, "", b"hi\n")
    os.close(reader)


async def test_a_kill_removes_the_container(world: EngineWorld) -> None:
    box = await world.sandbox.start(world.plan("sleep", "1000"))
    box.release()
    while not list(world.place.glob("*.pid")):
        await world.sandbox.sweep()
    await box.pause()
    await box.kill("enough")
    assert (await box.wait()).why == "enough"
    assert world.told("rm")
    assert world.told("pause")
    await box.close()


async def test_a_container_that_never_began_is_removed(world: EngineWorld) -> None:
    box = await world.sandbox.start(world.plan("true"))
    await box.close()
    assert (await box.wait()).code == 137
    assert world.told("start") == []


async def test_out_of_memory_is_told_apart(world: EngineWorld) -> None:
    (world.place / "starved").touch()
    box = await world.sandbox.start(world.plan("sh", "-c", "exit 137"))
    box.release()
    assert (await box.wait()).why == "out of memory"
    await box.close()


async def test_a_way_out_is_refused(world: EngineWorld) -> None:
    for plan in (world.plan("true", profile=replace(PROFILE, network=True)), world.plan("true", listener_port=8080)):
        with pytest.raises(UnavailableError, match="no inner listener"):
            await world.sandbox.start(plan)
    assert not (world.place / "log").exists()


async def test_limits_that_the_engine_ignores_are_no_layers(world: EngineWorld) -> None:
    world.says(ROOTLESS_V1)
    box = await world.sandbox.start(world.plan("true"))
    await box.close()
    assert not box.layers & {Layer.MEMORY, Layer.PROCESSES, Layer.CPU}
    with pytest.raises(UnavailableError, match="memory"):
        await world.sandbox.start(world.plan("true", profile=replace(PROFILE, needs=frozenset({Layer.MEMORY}))))


async def test_the_folder_of_root_is_refused(world: EngineWorld) -> None:
    folder = Workspace(kind=WorkspaceKind.FOLDER, source="/usr")
    with pytest.raises(UnavailableError, match="belongs to root"):
        await world.sandbox.start(world.plan("true", workspace=folder))


async def test_the_containers_of_dead_supervisors_are_swept(world: EngineWorld) -> None:
    (world.place / f"{PREFIX}a.{os.getpid()}.1.{pid_space()}.json").write_text("[]")
    box = await world.sandbox.start(world.plan("true"))
    assert await world.sandbox.sweep() == 1
    assert len(list(world.place.glob("*.json"))) == 1
    await box.close()


async def test_an_engine_that_does_not_answer_is_absent(world: EngineWorld) -> None:
    sandbox = ContainerSandbox(Engine(program="/nonexistent/podman", image="the-image"))
    probed = await sandbox.probe()
    assert {found.standing for found in probed} == {Standing.ABSENT}
    assert all(found.remedy for found in probed)


async def test_the_probe_says_what_the_engine_says(world: EngineWorld) -> None:
    present = {found.layer for found in await world.sandbox.probe() if found.standing is Standing.PRESENT}
    assert present == set(Layer) - {Layer.OWN_UID, Layer.INNER_LISTENER}
