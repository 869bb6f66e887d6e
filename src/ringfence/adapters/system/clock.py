"""The machine's clocks, put together so that nothing lives longer because somebody set one of them.

Wall time is the boot clock, which nobody can set and which runs during suspend, plus the largest distance that the wall clock
was ever seen ahead of it. So a clock set forward ends things early, and one set back changes nothing: time goes on at its own
pace from where it was. The distance is kept in a file, so that this holds over a restart within one boot of the machine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from ringfence.core.model.identifiers import Millis

logger = logging.getLogger(__name__)

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_NOTICED_NS: Final = 2_000_000_000
"""A step of the wall clock that is worth a line in the log, and a write."""


def boot_ns() -> int:
    """Nanoseconds since the machine began, suspend included where the system can tell (clock_gettime(2))."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def boot_id() -> str:
    """Which boot of the machine this is; empty where the system does not say."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


class SystemClock:
    """Implements `ringfence.ports.clock.Clock`."""

    def __init__(
        self,
        mark: Path | None = None,
        *,
        wall: Callable[[], int] = time.time_ns,
        boot: Callable[[], int] = boot_ns,
        boot_name: Callable[[], str] = boot_id,
    ) -> None:
        """`mark` is the file that keeps the distance; None: this clock need not outlive its process."""
        self._mark = mark
        self._wall = wall
        self._boot = boot
        self._boot_name = boot_name()
        self._ahead = self._distance()
        self._said_back = False
        kept = self._read()
        if kept is not None and kept > self._ahead + _NOTICED_NS:
            logger.warning("the wall clock was set back by %.0f s while nobody ran here", (kept - self._ahead) / 1e9)
        self._ahead = self._written = max(self._ahead, kept or self._ahead)
        self._write()

    def now(self) -> Millis:
        distance = self._distance()
        if distance > self._ahead:
            self._ahead = distance
            if distance > self._written + _NOTICED_NS:
                logger.warning("the wall clock was set forward by %.0f s", (distance - self._written) / 1e9)
                self._written = distance
                self._write()
        elif distance < self._ahead - _NOTICED_NS and not self._said_back:
            self._said_back = True
            logger.warning(
                "the wall clock was set back by %.0f s: time goes on from where it was", (self._ahead - distance) / 1e9
            )
        return (self._boot() + self._ahead) // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _distance(self) -> int:
        # In this order: being interrupted in between makes the distance smaller, never larger, so nothing adds up.
        wall = self._wall()
        return wall - self._boot()

    def _read(self) -> int | None:
        """The distance that an earlier process of this boot has seen."""
        if self._mark is None or not self._boot_name:
            return None
        try:
            found: Any = json.loads(self._mark.read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(found, dict):
            return None
        kept = cast("dict[str, Any]", found)
        ahead = kept.get("ahead_ns")
        return ahead if kept.get("boot") == self._boot_name and type(ahead) is int else None

    def _write(self) -> None:
        if self._mark is None:
            return
        fresh = self._mark.with_suffix(".new")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(json.dumps({"boot": self._boot_name, "ahead_ns": self._ahead}).encode())
            fresh.replace(self._mark)
        except OSError as error:
            # Time itself is right without it; it is the next start that may know less.
            logger.error("the clock's mark cannot be written: %s", error)
