"""A whole drill: records and twins behind one gateway process, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeVar

from ringfence.app.drills.case import Case, case_of
from ringfence.app.drills.deployment import configuration
from ringfence.app.drills.incident import play_record
from ringfence.app.drills.orders import orders
from ringfence.app.drills.outcome import Played, Report, TwinPlayed
from ringfence.app.drills.records import Record, Twin
from ringfence.app.drills.renaming import Names, renamed
from ringfence.app.drills.stage import Stage, stage
from ringfence.app.drills.twin import play_twin

AT_ONCE: Final = 6
"""Cases that are played at the same time; each has an agent and servers of its own."""
SEED: Final = 7
"""Of the credentials that are made up."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is played."""

    records: tuple[Record, ...] = ()
    twins: tuple[Twin, ...] = ()
    renamed: int | None = None
    """Seed of other names for tools, arguments, servers and agents."""
    only_told: bool = False
    """Only the order in which each record is told."""
    notes: tuple[str, ...] = field(default=())


async def drill(chosen: Chosen, directory: Path, told: Callable[[str], None] = lambda _: None) -> Report:
    """Play everything that is chosen in one gateway's life.

    Args:
        directory: Exists and is empty.
        told: Hears one line for each case that is over.

    Raises:
        UnavailableError: A process of the drill did not start, or did not answer.
    """
    began = datetime.now(UTC).isoformat(timespec="seconds")
    names = None if chosen.renamed is None else Names(chosen.renamed)
    records = [(record, _case(record, f"d{index:02}", names)) for index, record in enumerate(chosen.records)]
    twins = [(twin, _case(twin, f"t{index:02}", names)) for index, twin in enumerate(chosen.twins)]
    cases = [case for _, case in (*records, *twins)]
    plays = {server: play for case in cases for server, play in case.plays().items()}
    models = {model: answer for case in cases for model, answer in case.models.items()}
    # One credential is known to the gateway, so each case that needs one has the same.
    secret = next((case.secret for case in cases if case.secret), "")
    deployments = [case.deployment for case in cases if case.deployment.tools]
    async with stage(directory, partial(configuration, deployments), plays, secret, models) as scene:
        played = await _together(lambda pair: _record(scene, *pair, only_told=chosen.only_told, told=told), records)
        alike = await _together(lambda pair: _twin(scene, *pair, told=told), twins)
    return Report(
        version=version("ringfence"),
        began=began,
        records=tuple(one for several in played for one in several),
        twins=tuple(alike),
        notes=chosen.notes,
    )


def _case(source: Record | Twin, name: str, names: Names | None) -> Case:
    case = case_of(source, name, SEED)
    return case if names is None else renamed(case, names)


async def _record(
    scene: Stage, record: Record, case: Case, *, only_told: bool, told: Callable[[str], None]
) -> tuple[Played, ...]:
    found: list[Played] = []
    for order, turns in orders(case.turns).items():
        if only_told and found:
            break
        found.append(await play_record(scene, case, order, turns))
    told(f"{record.id}: {'held' if all(one.held for one in found) else 'NOT HELD'}")
    return tuple(found)


async def _twin(scene: Stage, twin: Twin, case: Case, *, told: Callable[[str], None]) -> TwinPlayed:
    found = await play_twin(scene, twin, case)
    told(f"{twin.id}: {'completed' if found.completed else f'NOT COMPLETED: {found.why}'}")
    return found


async def _together(play: Callable[[T], Awaitable[R]], items: Sequence[T]) -> list[R]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with room:
            return await play(item)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(item)) for item in items]
    return [task.result() for task in tasks]
