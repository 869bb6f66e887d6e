"""Bundles that wait, in the state directory: bounded in number and age, for ourselves only."""

from __future__ import annotations

import hashlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ringfence.errors import UnavailableError

MOST: Final = 64
OLDEST_S: Final = 2 * 86_400
_RUN: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept beside a bundle."""

    run: str
    repository: str
    base: str
    sha256: str
    protect: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of them, one for each run."""

    folder: Path

    def put(self, run: str, bundle: bytes, repository: str, base: str, protect: tuple[str, ...]) -> Waiting:
        """Raises UnavailableError where it cannot be kept."""
        waiting = Waiting(run=run, repository=repository, base=base, sha256=hashlib.sha256(bundle).hexdigest(), protect=protect)
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.sweep(keep=MOST - 1)
            _write(self.file(run), bundle)
            _write(self._note(run), msgspec.json.encode(waiting))
        except OSError as error:
            raise UnavailableError(f"a bundle cannot be kept in {self.folder}: {error.strerror}") from error
        return waiting

    def get(self, run: str) -> Waiting:
        """Raises UnavailableError where there is none, or it is not what was kept."""
        if _RUN.fullmatch(run) is None:
            raise UnavailableError(f"{run!r} is no run")
        try:
            waiting = msgspec.json.decode(self._note(run).read_bytes(), type=Waiting)
            found = hashlib.sha256(self.file(run).read_bytes()).hexdigest()
        except (OSError, msgspec.DecodeError) as error:
            raise UnavailableError(f"no result of run {run} waits here", remedy="ringfence approvals list") from error
        if found != waiting.sha256:
            raise UnavailableError(f"the bundle of run {run} is not what was kept")
        return waiting

    def drop(self, run: str) -> None:
        self.file(run).unlink(missing_ok=True)
        self._note(run).unlink(missing_ok=True)

    def sweep(self, keep: int = MOST) -> None:
        """Forget what is too old, and the oldest of too many."""
        if not self.folder.is_dir():
            return
        now = time.time()
        aged = sorted(((entry.stat().st_mtime, entry.stem) for entry in self.folder.glob("*.bundle")), reverse=True)
        for place, (at, run) in enumerate(aged):
            if place >= keep or now - at > OLDEST_S:
                self.drop(run)

    def file(self, run: str) -> Path:
        return self.folder / f"{run}.bundle"

    def _note(self, run: str) -> Path:
        return self.folder / f"{run}.json"


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
