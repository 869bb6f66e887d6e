"""A gateway that kills itself at a chosen moment: the product's own `up`, built with failpoints for tests.

    python -m ringfence.testing.crashing --at POINT[:N] --watch DIR -- up --config FILE --state DIR --port 0 ...

Nothing is counted until the file `DIR/ARMED` exists, so that setting up is not. The N-th time that POINT is reached from then
on, the process writes `DIR/CRASHED` and ends itself with SIGKILL, in the middle of whatever it was doing.

Points are the steps of `engine.steps` and three of the store's writer. The product reads no environment variable and no option
for any of this: its `at_step` and `disk` parameters are given here, and nowhere else.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from ringfence.adapters.stores.sqlite.disk import RealDisk
from ringfence.adapters.stores.sqlite.slot import SLOT_NAME
from ringfence.app.wiring.compose import run_gateway
from ringfence.engine.steps import Step

BEFORE_COMMIT = "before_commit"
"""A transaction is about to begin."""
COMMITTED = "committed"
"""It is in the journal, and the fsync is about to begin."""
SYNCED = "synced"
"""The fsync has returned; nobody has been told."""
STORE_POINTS = (BEFORE_COMMIT, COMMITTED, SYNCED)
POINTS = (*(step.value for step in Step), *STORE_POINTS)

ARMED = "ARMED"
CRASHED = "CRASHED"


class Failpoint:
    """Ends the process the `count`-th time that `point` is reached after arming."""

    def __init__(self, point: str, count: int, watch: Path) -> None:
        if point not in POINTS:
            raise ValueError(f"there is no point {point!r}: {', '.join(POINTS)}")
        self._point = point
        self._left = count
        self._armed = watch / ARMED
        self._crashed = watch / CRASHED

    def reached(self, point: str) -> None:
        """Called at every point, by the event loop or by the writer's thread; each point is reached by one of them only."""
        if point != self._point or not self._armed.exists():
            return
        self._left -= 1
        if self._left == 0:
            self._crashed.write_text(f"{point}\n")
            die()

    def at_step(self, step: Step) -> None:
        """For the engine's `at_step`."""
        self.reached(step.value)


def die() -> NoReturn:
    """SIGKILL: nothing is flushed, no handler runs."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a process survived SIGKILL")


class CrashingDisk(RealDisk):
    """The machine's disk, with the writer's failpoints around it."""

    def __init__(self, failpoint: Failpoint) -> None:
        self._failpoint = failpoint

    def before_write(self) -> None:
        self._failpoint.reached(BEFORE_COMMIT)

    def sync(self, descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(SLOT_NAME):
            super().sync(descriptor)
            return
        self._failpoint.reached(COMMITTED)
        super().sync(descriptor)
        self._failpoint.reached(SYNCED)


def main() -> None:
    """Run `up` with one failpoint."""
    parser = argparse.ArgumentParser(prog="ringfence.testing.crashing")
    parser.add_argument("--at", required=True, metavar="POINT[:N]")
    parser.add_argument("--watch", required=True, type=Path)
    up = parser.add_subparsers(required=True).add_parser("up")
    up.add_argument("--config", required=True, type=Path)
    up.add_argument("--state", required=True, type=Path)
    up.add_argument("--port", type=int, default=0)
    up.add_argument("--unsafe-same-user", action="store_true")
    options = parser.parse_args([word for word in sys.argv[1:] if word != "--"])
    point, _, count = options.at.partition(":")
    failpoint = Failpoint(point, int(count or 1), options.watch)
    code = run_gateway(
        options.config,
        options.state,
        port=options.port,
        unsafe_same_user=options.unsafe_same_user,
        at_step=failpoint.at_step,
        disk=CrashingDisk(failpoint),
    )
    sys.exit(code)


if __name__ == "__main__":
    main()
