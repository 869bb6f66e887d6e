"""Makes boxes with bubblewrap. Read this file first: the order of `start` is the order in which a box comes to be."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path

from ringfence.adapters.sandbox.bubblewrap.argv import WORK, Descriptors, flags
from ringfence.adapters.sandbox.bubblewrap.box import BubblewrapBox, Parts
from ringfence.adapters.sandbox.bubblewrap.cgroup_places import Places, places_here
from ringfence.adapters.sandbox.bubblewrap.cgroups import BoxGroup, make_group
from ringfence.adapters.sandbox.bubblewrap.environment import box_environment
from ringfence.adapters.sandbox.bubblewrap.etc import made_files, made_links
from ringfence.adapters.sandbox.bubblewrap.limits import file_systems, kernel_limits, rlimits
from ringfence.adapters.sandbox.bubblewrap.probe import first_failure, refused, surroundings_here, tried, without_a_box
from ringfence.adapters.sandbox.bubblewrap.records import Records
from ringfence.adapters.sandbox.bubblewrap.remedies import REMEDIES
from ringfence.adapters.sandbox.bubblewrap.roots import (
    hidden_here,
    host_etc,
    refuse_hidden,
    refuse_led_away,
    roots_here,
    seen,
    shown_paths,
)
from ringfence.adapters.sandbox.bubblewrap.seccomp import program
from ringfence.adapters.sandbox.bubblewrap.spawning import Spawn, spawn
from ringfence.adapters.sandbox.bubblewrap.streams import Streams, streams_for
from ringfence.adapters.sandbox.bubblewrap.sweep import swept
from ringfence.adapters.sandbox.bubblewrap.uids import is_real_root, uids_here
from ringfence.adapters.sandbox.bubblewrap.visits import Given, Visit, Visits
from ringfence.adapters.sandbox.bubblewrap.workspace import Prepared, owned, prepared
from ringfence.adapters.sandbox.names import tag_of
from ringfence.core.model.box import BoxProfile, Layer
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import BoxPlan, Left, Probed

BWRAP = Path("/usr/bin/bwrap")
"""The distribution's: Ubuntu lets no other copy make user namespaces."""
ALWAYS = frozenset({Layer.NAMESPACES, Layer.SECCOMP, Layer.NO_NEW_PRIVILEGES, Layer.RLIMITS})
"""Bubblewrap and the visit refuse to go on without one of these."""
KERNEL_FILES = ("/proc", "/sys", "/dev")
"""The host's: a box has its own."""
COUNTS_PER_NAMESPACE = (5, 14)
"""From this Linux on, RLIMIT_NPROC counts the processes of one user namespace."""


class BubblewrapSandbox:
    """Implements `ringfence.ports.sandbox.Sandbox`. To be used from the loop of the main thread."""

    def __init__(self, *, folder: Path, hidden: Sequence[Path] = (), bwrap: Path = BWRAP, python: Path | None = None) -> None:
        """`folder`: of our own, best on a file system that is empty after a boot. `python`: for visits.

        `hidden`: no box has any of it, nor has `folder`, whatever its plan shows: the gateway's state and its keys.
        """
        self._hidden = [str(folder), *map(str, hidden), *KERNEL_FILES]
        self._bwrap = bwrap
        self._root = os.geteuid() == 0 and is_real_root(Path("/proc/self/uid_map").read_text(encoding="ascii"))
        self._records = Records(folder / "boxes")
        self._uids = uids_here(folder / "uids")
        self._visits = Visits(python or Path(sys.executable))
        self._places: Places | None = None

    async def probe(self) -> Sequence[Probed]:
        """Each layer, tried in a box of its own."""
        with ExitStack() as held:
            try:
                user = self._uid(held)
            except UnavailableError as error:
                return refused(error)
            first = await first_failure(self._bwrap, user)
        if first is not None:
            return without_a_box(first, surroundings_here())
        return await tried(self)

    async def start(self, plan: BoxPlan) -> BubblewrapBox:
        """A box whose command has not begun. Raises UnavailableError, with the remedy."""
        self._visits.begin()
        with ExitStack() as held, ExitStack() as handed:
            work = prepared(plan.workspace, plan.command, root=self._root, held=held, handed=handed)
            work = owned(work, shown_paths(plan.writable), root=self._root)
            user = self._user(work, held)
            group = self._group(plan, held)
            counted = (user is not None and work.owner is None) or kernel_release() >= COUNTS_PER_NAMESPACE
            layers = _layers(group, work, own_uid=user is not None, counted=counted, listens=plan.listener_port is not None)
            _refuse_less(plan.profile, layers)
            shown = [*host_etc(), *shown_paths(plan.profile.shows)]
            mounted = self._looked_at(plan, work, shown)
            streams = streams_for(plan.stdio, plan.profile.limits, held=held, handed=handed)
            spawned = await spawn(self._spawn(plan, work, user, streams, shown))
            kept = held.pop_all()
            wall_clock_s = plan.profile.limits.wall_clock_s
            try:
                box = BubblewrapBox(Parts(spawned=spawned, group=group, wall_clock_s=wall_clock_s, streams=streams, held=kept))
            except ProcessLookupError as error:
                spawned.process.wait()
                kept.close()
                raise UnavailableError("the box cannot be set up: its first process is gone") from error
        try:
            found = await self._visits.make(_visit(plan, work, spawned.init, user, mounted, counted=counted))
            box.furnish(found.listener, layers, Left(found.mount, user) if found.mount is not None else None)
            group.add(spawned.init)
        except BaseException:
            await box.close()
            raise
        return box

    async def sweep(self) -> int:
        """Remove what dead boxes left over. Answers how many."""
        return await swept(self._records)

    def close(self) -> None:
        """End what is kept between boxes. The boxes themselves are closed by who started them."""
        self._visits.close()

    def _user(self, work: Prepared, held: ExitStack) -> int | None:
        """The uid that the box is made under; None: ours. Never root's."""
        user = self._uid(held) if work.owner is None else work.owner
        if user is None and self._root:
            raise UnavailableError(
                "root may not become another user here, and no process of a box may be root's",
                remedy="start as an ordinary user, or give the container CAP_SETUID and CAP_SETGID",
            )
        return user

    def _uid(self, held: ExitStack) -> int | None:
        if self._uids is None:
            return None
        uid = self._uids.take()
        held.callback(uid.give_back)
        return uid.uid

    def _group(self, plan: BoxPlan, held: ExitStack) -> BoxGroup:
        tag = tag_of(plan.name)
        places = self._places_here()
        self._records.write(tag, places.parents.values())
        held.callback(self._records.drop, tag)
        group = make_group(places, tag, plan.profile.limits)
        held.callback(group.drop_empty)
        return group

    def _places_here(self) -> Places:
        if self._places is None:
            own = Path("/proc/self")
            self._places = places_here(
                (own / "mountinfo").read_text(encoding="utf-8", errors="surrogateescape"),
                (own / "cgroup").read_text(encoding="utf-8", errors="surrogateescape"),
                root=os.geteuid() == 0,
            )
        return self._places

    def _looked_at(self, plan: BoxPlan, work: Prepared, shown: Sequence[str]) -> dict[str, tuple[int, int]]:
        """What has to be mounted where: a box of the same folder may put another thing there before it is.

        Raises UnavailableError where it may not be.
        """
        same = {path: seen(path) for path in (*shown, *plan.writable)}
        workspace = {WORK: seen(work.folder)} if work.folder is not None else {}
        refuse_hidden([*same.values(), *workspace.values()], self._hidden)
        refuse_led_away(list(same.values()), [*(same[path] for path in plan.writable), *workspace.values()])
        return {path: each.identity for path, each in (same | workspace).items()}

    def _spawn(self, plan: BoxPlan, work: Prepared, user: int | None, streams: Streams, shown: Sequence[str]) -> Spawn:
        environment = box_environment(plan.profile.environment, plan.environment, plan.listener_port, plan.files)

        def told(descriptors: Descriptors) -> list[str]:
            return flags(
                roots=roots_here(),
                shown=shown,
                links=made_links(plan.files),
                hidden=hidden_here(),
                environment=environment,
                limits=plan.profile.limits,
                descriptors=descriptors,
                workspace=work.folder,
                writable=plan.writable,
            )

        return Spawn(
            bwrap=self._bwrap,
            tag=tag_of(plan.name),
            user=user,
            group=user if work.group is None else work.group,
            filter=program(),
            files=made_files(plan.files),
            flags=told,
            command=work.command,
            stdio=streams.given,
            passed=work.passed,
        )


def _visit(
    plan: BoxPlan, work: Prepared, init: int, user: int | None, mounted: Mapping[str, tuple[int, int]], *, counted: bool
) -> Visit:
    limits = plan.profile.limits
    return Visit(
        pid=init,
        user=user,
        group=user if work.group is None else work.group,
        port=plan.listener_port,
        limits=rlimits(limits, processes=counted),
        kernel=kernel_limits(),
        mounts=file_systems(limits, own_workspace=work.folder is None),
        mounted=mounted,
        keeps=WORK if work.keeps else "",
        given=Given(work.left.mount, WORK, work.writable) if work.left is not None else None,
    )


def _layers(group: BoxGroup, work: Prepared, *, own_uid: bool, counted: bool, listens: bool) -> frozenset[Layer]:
    """What will hold the box. Each part of it fails the start where it cannot be put in force."""
    made = ALWAYS | group.layers
    if counted:
        made |= {Layer.PROCESSES}
    if own_uid and work.owner is None:
        made |= {Layer.OWN_UID}
    if work.folder is None:
        made |= {Layer.SIZED_WORKSPACE}
    if listens:
        made |= {Layer.INNER_LISTENER}
    return made


def _refuse_less(profile: BoxProfile, layers: frozenset[Layer]) -> None:
    missing = sorted(profile.needs - layers)
    if missing:
        raise UnavailableError(
            f"profile {profile.name} needs more than this machine gives a box: {', '.join(missing)}",
            remedy="; ".join(REMEDIES[layer] for layer in missing),
        )


def kernel_release() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(takewhile(str.isdecimal, minor)) or "0")
