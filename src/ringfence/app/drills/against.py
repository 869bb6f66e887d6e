"""A drill of a team's own configuration: its decisions are real, its servers are played, so nothing real is ever fired."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from ringfence.app.config.load import load_config
from ringfence.app.drills.case import Case
from ringfence.app.drills.ending import run_to_its_end
from ringfence.app.drills.incident import play_record
from ringfence.app.drills.orders import TOLD
from ringfence.app.drills.outcome import Played, Report
from ringfence.app.drills.play import Play
from ringfence.app.drills.probing import LOOP, cases_of
from ringfence.app.drills.running import folder
from ringfence.app.drills.stage import Stage, stage
from ringfence.app.drills.staging import document_of, staged
from ringfence.errors import ConfigError

MOST_CALLS: Final = 500
MOST_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Stops:
    """What ends a drill early."""

    calls: int = MOST_CALLS
    seconds: float = MOST_S
    file: Path | None = None
    """The drill ends as soon as this file exists."""


def play_against(
    config: Path, stops: Stops, *, directory: Path | None = None, told: Callable[[str], None] = lambda _: None
) -> Report:
    """Drill a configuration.

    Raises:
        ConfigError: It cannot be used, or no agent of it has a tool.
        UnavailableError: A process of the drill did not start, or did not answer.
        OSError: The file or the directory cannot be read or used.
    """
    config = config.absolute()
    loaded = load_config(config)
    document = document_of(config)
    cases = list(cases_of(loaded.rules, stops.calls))
    if not cases:
        raise ConfigError(f"{config}: no agent of it has a tool of a server")
    with folder(directory) as place:
        return run_to_its_end(_drill(config, document, cases, stops, place, told))


async def _drill(
    config: Path, document: dict[str, object], cases: list[Case], stops: Stops, place: Path, told: Callable[[str], None]
) -> Report:
    began = datetime.now(UTC).isoformat(timespec="seconds")
    ending = time.monotonic() + stops.seconds
    ended: list[str] = []

    def go_on() -> bool:
        if stops.file is not None and stops.file.exists():
            ended[:] = [f"ended early: {stops.file} exists"]
        elif time.monotonic() >= ending:
            ended[:] = [f"ended early after {stops.seconds:.0f} s"]
        return not ended

    plays: dict[str, Play] = {}
    for case in cases:
        plays |= {server: _with_lines(plays.get(server), play) for server, play in case.plays().items()}
    configure = partial(staged, document, config.parent)
    async with stage(place, configure, plays) as scene:
        played = [found for case in cases if (found := await _one(scene, case, go_on, told)) is not None]
    return Report(
        version=version("ringfence"),
        began=began,
        against=str(config),
        records=tuple(played),
        notes=(*ended, "every server was played: nothing real was called", *_notes(cases)),
    )


async def _one(scene: Stage, case: Case, go_on: Callable[[], bool], told: Callable[[str], None]) -> Played | None:
    if not go_on():
        return None
    found = await play_record(scene, case, TOLD, case.turns, go_on)
    told(f"{case.id}: {'held' if found.held else 'NOT HELD'}")
    return found


def _with_lines(known: Play | None, play: Play) -> Play:
    """Servers are shared by agents, so each has the lines of all."""
    return play if known is None else Play(play.tools, (*known.lines, *play.lines))


def _notes(cases: list[Case]) -> list[str]:
    return [
        f"{case.id}: nothing caps a loop of {LOOP} calls (calls_per_run, loops)"
        for case in cases
        if not any(turn.step.repeat > 1 for turn in case.turns)
    ]
