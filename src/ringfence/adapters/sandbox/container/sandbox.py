"""Boxes as containers. Their network is `none` and there is no inner listener: a profile with a way out is refused."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ringfence.adapters.sandbox.container.argv import PREFIX, Engine, create
from ringfence.adapters.sandbox.container.box import ContainerBox, Made
from ringfence.adapters.sandbox.container.engine_client import about, asked, controllers, filters
from ringfence.adapters.sandbox.names import is_orphan, tag_of
from ringfence.core.model.box import BoxProfile, Layer
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import BoxPlan, Probed, Standing, WorkspaceKind

BY_CONTROLLER = {"memory": Layer.MEMORY, "pids": Layer.PROCESSES, "cpu": Layer.CPU}
ALWAYS = frozenset({Layer.NAMESPACES, Layer.NO_NEW_PRIVILEGES, Layer.RLIMITS})


class ContainerSandbox:
    """Implements `ringfence.ports.sandbox.Sandbox`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def probe(self) -> Sequence[Probed]:
        """What the engine says of itself, and whether it makes a container from the image."""
        try:
            layers = await self._layers()
            box = await self.start(
                BoxPlan(name="probe", command=("true",), profile=BoxProfile(name="probe", needs=frozenset()))
            )
            await box.close()
        except UnavailableError as error:
            return [Probed(layer=each, standing=Standing.ABSENT, detail=str(error), remedy=error.remedy) for each in Layer]
        return [_judged(each, layers | {Layer.SIZED_WORKSPACE}) for each in Layer]

    async def start(self, plan: BoxPlan) -> ContainerBox:
        """A container that has not begun. Raises UnavailableError, with the remedy."""
        _refuse_what_it_cannot(plan)
        layers = await self._layers()
        if plan.workspace.kind is WorkspaceKind.NONE:
            layers |= {Layer.SIZED_WORKSPACE}
        if missing := sorted(plan.profile.needs - layers):
            raise UnavailableError(
                f"profile {plan.profile.name} needs more than the engine gives a container: {', '.join(missing)}",
                remedy="use bubblewrap, or an engine that runs as root or on delegated cgroups",
            )
        tag = tag_of(plan.name)
        with ExitStack() as held:
            own = _own_files(plan, held)
            await asked(*create(self._engine, plan, tag, own, _user(plan)))
            made = Made(
                program=self._engine.program,
                name=PREFIX + tag,
                stdio=plan.stdio,
                wall_clock_s=plan.profile.limits.wall_clock_s,
                layers=layers,
                held=held.pop_all(),
            )
        return ContainerBox(made)

    async def sweep(self) -> int:
        """Remove the containers of dead supervisors: the engine keeps them running."""
        said = await asked(self._engine.program, "ps", "--all", "--filter", f"name={PREFIX}", "--format", "{{.Names}}")
        orphans = [name for name in said.split() if name.startswith(PREFIX) and is_orphan(name.removeprefix(PREFIX))]
        for name in orphans:
            await asked(self._engine.program, "rm", "--force", name)
        return len(orphans)

    async def _layers(self) -> frozenset[Layer]:
        info = await about(self._engine.program)
        counted = frozenset(BY_CONTROLLER[name] for name in controllers(info) if name in BY_CONTROLLER)
        return ALWAYS | counted | (frozenset({Layer.SECCOMP}) if filters(info) else frozenset())


def _refuse_what_it_cannot(plan: BoxPlan) -> None:
    if plan.profile.network or plan.listener_port is not None:
        raise UnavailableError(
            "a container has no inner listener, so it has no way out that could be decided",
            remedy="use bubblewrap, or a profile without network",
        )
    if plan.workspace.kind in (WorkspaceKind.CLONE, WorkspaceKind.LEFT):
        raise UnavailableError("a clone is not made in a container", remedy="use bubblewrap, or work in a folder or in memory")
    if plan.workspace.kind is WorkspaceKind.FOLDER and _owner(plan) == 0:
        raise UnavailableError(
            f"{plan.workspace.source} belongs to root, and no process of a box may be root's", remedy="chown it to a user"
        )


def _user(plan: BoxPlan) -> str:
    return f"{_owner(plan)}:{_owner(plan)}" if plan.workspace.kind is WorkspaceKind.FOLDER else "1000:1000"


def _owner(plan: BoxPlan) -> int:
    try:
        return os.stat(plan.workspace.source or "").st_uid
    except OSError as error:
        raise UnavailableError(f"{plan.workspace.source} is no folder that a box can work on") from error


def _own_files(plan: BoxPlan, held: ExitStack) -> str | None:
    if not plan.files:
        return None
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ringfence-files-")))
    folder.chmod(0o755)
    for name, data in plan.files.items():
        (folder / name).write_bytes(data)
    return str(folder)


def _judged(layer: Layer, present: frozenset[Layer]) -> Probed:
    if layer in present:
        return Probed(layer=layer, standing=Standing.PRESENT, detail="the engine says so, and made a container")
    return Probed(
        layer=layer,
        standing=Standing.ABSENT,
        detail="containers have no inner listener"
        if layer is Layer.INNER_LISTENER
        else "the engine does not say that it has it",
        remedy="use bubblewrap",
    )
