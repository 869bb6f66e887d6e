"""A uid for each run, where we may become another user: what the kernel counts by uid is then not shared between runs.

A uid is held by a lock on a file, which the kernel gives back however the holder ends.
"""

from __future__ import annotations

import fcntl
import os
import random
from collections.abc import Iterator
from pathlib import Path

from ringfence.adapters.sandbox.bubblewrap.private import private_folder
from ringfence.errors import UnavailableError

PREFERRED = range(2_000_000_000, 2_000_065_536)
"""Above what distributions, systemd and subordinate ranges give out."""
IN_SMALL_MAPS = range(62_000, 65_000)
"""In a container whose user namespace has 65,536 ids."""
ATTEMPTS = 64
CAP_SETGID, CAP_SETUID = 6, 7


def may_change_user(status: str) -> bool:
    """Whether `/proc/self/status` says that this process may become any user."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
            return bool(held >> CAP_SETGID & 1 and held >> CAP_SETUID & 1)
    return False


def range_in(*maps: str) -> range | None:
    """The ids to choose from under these texts of `uid_map` and `gid_map`. None: no range is mapped."""
    for wanted in (PREFERRED, IN_SMALL_MAPS):
        if all(any(_covers(line, wanted) for line in text.splitlines()) for text in maps):
            return wanted
    return None


def _covers(line: str, wanted: range) -> bool:
    first, _, count = (int(field) for field in line.split())
    return first <= wanted.start and wanted.stop <= first + count


def is_real_root(uid_map: str) -> bool:
    """Whether our uid 0 is one outside of our user namespace too, and may so own `/dev/null` and the like."""
    return any(line.split()[:2] == ["0", "0"] for line in uid_map.splitlines())


class HeldUid:
    """One uid, held until it is given back."""

    def __init__(self, uid: int, lock: int) -> None:
        self.uid = uid
        self._lock = lock

    def give_back(self) -> None:
        os.close(self._lock)


class Uids:
    """The uids of this machine's runs; None: there are none to be had, because we are not root enough."""

    def __init__(self, folder: Path, among: range) -> None:
        self._folder = folder
        self._among = among

    def take(self) -> HeldUid:
        """One that no run has. Raises UnavailableError."""
        private_folder(self._folder.parent)
        private_folder(self._folder)
        for uid in self._candidates():
            lock = os.open(self._folder / str(uid), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            return HeldUid(uid, lock)
        raise UnavailableError("no uid is free for a run")

    def _candidates(self) -> Iterator[int]:
        return iter(random.SystemRandom().sample(self._among, ATTEMPTS))


def uids_here(folder: Path) -> Uids | None:
    """None where this process may not become another user."""
    own = Path("/proc/self")
    if not may_change_user((own / "status").read_text(encoding="utf-8")):
        return None
    among = range_in((own / "uid_map").read_text(encoding="ascii"), (own / "gid_map").read_text(encoding="ascii"))
    return None if among is None else Uids(folder, among)
