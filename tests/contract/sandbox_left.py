"""What a box has left in its clone: another box reads it, and nothing of it is there when both are closed."""

from __future__ import annotations

import os
from pathlib import Path

from tests.contract.sandbox_world import STRANGER, SandboxWorld, git, text_of

from ringfence.adapters.workspaces.quarantine import GitWorkspaces
from ringfence.app.boxes.leaving import remains
from ringfence.core.export.judging import Bounds, Verdict
from ringfence.core.export.protected import Protected
from ringfence.ports.sandbox import Box, Workspace, WorkspaceKind
from ringfence.ports.workspaces import Bundle

LARGE = {"file_mib": 64, "workspace_mib": 32}


async def another_box_reads_it_and_cannot_write_it(world: SandboxWorld) -> None:
    async with world.box("sh", "-c", "echo two > b; setsid sleep 1000 &", workspace=_clone(world), limits=LARGE) as first:
        await _over(first)
        ran = await world.shell("cat a b; echo x > c; rm a", workspace=_left(first))
        assert ran.out.split() == ["one", "two"]
        assert ran.err.count("Read-only file system") == 2


async def it_can_be_handed_on_writable_from_box_to_box(world: SandboxWorld) -> None:
    async with world.box("true", workspace=_clone(world), limits=LARGE) as first:
        await _over(first)
        async with world.box("sh", "-c", "echo three > c", workspace=_left(first, writable=True)) as second:
            await _over(second)
            assert (await world.shell("cat c; head -c 40M /dev/zero > d", workspace=_left(second))).out.split() == ["three"]


async def its_size_stays_bounded(world: SandboxWorld) -> None:
    async with world.box("true", workspace=_clone(world), limits=LARGE) as first:
        await _over(first)
        ran = await world.shell("head -c 40M /dev/zero > d || echo full", workspace=_left(first, writable=True), limits=LARGE)
        assert ran.out.split() == ["full"], ran


async def it_is_gone_with_its_boxes(world: SandboxWorld) -> None:
    await world.run("true")
    before, mounts = os.listdir("/proc/self/fd"), text_of("/proc/self/mountinfo")
    async with world.box("true", workspace=_clone(world), limits=LARGE) as first:
        await _over(first)
        await world.run("true", workspace=_left(first))
        assert text_of("/proc/self/mountinfo") == mounts
    assert os.listdir("/proc/self/fd") == before


async def a_box_without_a_clone_leaves_nothing(world: SandboxWorld) -> None:
    for workspace in (Workspace(), world.folder_for_a_box()):
        async with world.box("true", workspace=workspace) as box:
            assert box.left is None


async def a_result_goes_the_whole_way(world: SandboxWorld) -> None:
    """As root the repository is somebody else's: git of the host is then run as them."""
    workspace = _clone(world)
    repository = Path(workspace.source or "")
    if os.geteuid() == 0:
        for place, _, names in os.walk(repository):
            for path in (place, *(os.path.join(place, name) for name in names)):
                os.chown(path, STRANGER, STRANGER)
    workspaces, bounds = GitWorkspaces(), Bounds()
    base = await workspaces.base_of(str(repository))
    script = "echo b > b; git add b; git commit -qm b; echo c > c"
    async with world.box("sh", "-c", script, workspace=workspace, limits=LARGE) as first:
        await _over(first)
        assert first.left is not None
        found = await remains(world.sandbox, first.left, "look", base, bounds, "the rest")
    assert (found.changed, found.why) == (0, ""), found
    file = world.folder / "bundle"
    file.write_bytes(found.bundle)
    bundle = Bundle(file=str(file), repository=str(repository), base=base)
    async with workspaces.quarantined(bundle, Protected(), bounds) as held:
        judged = held.examined.judged
        assert (judged.verdict, judged.commits, judged.paths) == (Verdict.ACCEPTED, 2, ("b", "c")), judged
        await held.land("agent/1")
    owners = {os.stat(os.path.join(place, name)).st_uid for place, _, names in os.walk(repository) for name in names}
    assert owners == {STRANGER if os.geteuid() == 0 else os.geteuid()}


def _clone(world: SandboxWorld) -> Workspace:
    repository = world.folder / "repository"
    repository.mkdir()
    git(str(repository), "init", "-q", "-b", "main")
    (repository / "a").write_text("one\n")
    git(str(repository), "add", "a")
    git(str(repository), "commit", "-q", "-m", "first")
    return Workspace(kind=WorkspaceKind.CLONE, source=str(repository))


def _left(box: Box, *, writable: bool = False) -> Workspace:
    return Workspace(kind=WorkspaceKind.LEFT, left=box.left, writable=writable)


async def _over(box: Box) -> None:
    box.release()
    assert (await box.wait()).code == 0
