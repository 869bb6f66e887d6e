"""Everything that `make drills` plays: records and twins, under other names too, the workload, and attacks on it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.drills.attacking import Striking, Struck, attackable
from tests.drills.attacks import Way, attacks_on
from tests.drills.benign import Done, play_task
from tests.drills.workload_cases import case_of_task
from tests.drills.workload_data import Task, load

from ringfence.app.drills.case import Case
from ringfence.app.drills.deployment import configuration
from ringfence.app.drills.drilling import Chosen, drill
from ringfence.app.drills.outcome import Report
from ringfence.app.drills.records import records, twins
from ringfence.app.drills.stage import Stage, stage

AT_ONCE = 6
ORDERS = ("at_once", "after")

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Workload:
    """What the benign workload came to, and the attacks on it."""

    done: list[Done] = field(default_factory=list[Done])
    struck: list[Struck] = field(default_factory=list[Struck])
    controls: list[bool] = field(default_factory=list[bool])
    """The attacks' own calls where the person asks for them: whether each was executed."""


async def play_records(renamed: int | None, told: Callable[[str], None]) -> Report:
    """All records in all orders, and all twins."""
    with tempfile.TemporaryDirectory(prefix="rf-drill-") as folder:
        return await drill(Chosen(records(), twins(), renamed=renamed), Path(folder), told)


async def play_workload(tasks: Sequence[Task], attacked: int, told: Callable[[str], None]) -> Workload:
    """The tasks, a gateway for each domain, and attacks on the first few of each domain.

    Args:
        attacked: How many tasks of a domain are attacked.
    """
    found = Workload()
    for domain in dict.fromkeys(task.domain for task in tasks):
        batch = await play_batch([task for task in tasks if task.domain == domain], attacked)
        found.done += batch.done
        found.struck += batch.struck
        found.controls += batch.controls
        told(f"{domain}: {sum(one.completed for one in batch.done)} of {len(batch.done)} tasks, {len(batch.struck)} attacks")
    return found


async def play_batch(tasks: Sequence[Task], attacked: int) -> Workload:
    """Tasks behind one gateway, whose configuration holds about fifty of them; then attacks on the first few."""
    cases = [attackable(case_of_task(task, f"w{index:02}")) for index, task in enumerate(tasks)]
    plays = {server: play for case in cases for server, play in case.plays().items()}
    pairs = list(zip(tasks, cases, strict=True))
    with tempfile.TemporaryDirectory(prefix="rf-drill-") as folder:
        async with stage(Path(folder), partial(configuration, [case.deployment for case in cases]), plays) as scene:
            done = await together(lambda pair: play_task(scene, *pair), pairs)
            several = await together(lambda pair: attack_all(scene, *pair), pairs[:attacked])
    return Workload(
        done, [one for struck, _ in several for one in struck], [one for _, controls in several for one in controls]
    )


async def attack_all(scene: Stage, task: Task, case: Case) -> tuple[list[Struck], list[bool]]:
    """Every attack on one task, one after the other, because they share its servers; and the controls."""
    domain = tuple(one for one in load() if one.domain == task.domain)
    found: list[Struck] = []
    controls: list[bool] = []
    for attack in attacks_on(task, domain, domain.index(task)):
        for order in ORDERS:
            found.append(await Striking(scene, case, attack, order).strike())
        if attack.way is Way.BODY:
            controls.append(await Striking(scene, case, attack, "asked").ask_for_it())
    return found, controls


async def together(play: Callable[[T], Awaitable[R]], items: Sequence[T]) -> list[R]:
    """Several at a time, the answers in the order of the items."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with room:
            return await play(item)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(item)) for item in items]
    return [task.result() for task in tasks]
