"""One small file for each living box: which cgroups are its own. Written before they are made, so that none is forgotten."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ringfence.adapters.sandbox.bubblewrap.cgroups import NAME
from ringfence.adapters.sandbox.bubblewrap.private import private_folder
from ringfence.adapters.sandbox.names import is_orphan

LARGEST = 16_384


class Records:
    """A folder of them, for ourselves only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, tag: str, parents: Iterable[Path]) -> None:
        """The groups that are about to be made below those parents."""
        private_folder(self._folder.parent)
        private_folder(self._folder)
        text = "".join(f"{parent / (NAME + tag)}\n" for parent in sorted(set(parents)))
        descriptor = os.open(self._folder / tag, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

    def drop(self, tag: str) -> None:
        (self._folder / tag).unlink(missing_ok=True)

    def orphans(self) -> Iterator[tuple[str, list[Path]]]:
        """The tags whose maker is gone, with their cgroups."""
        if not self._folder.is_dir():
            return
        for entry in sorted(self._folder.iterdir()):
            if is_orphan(entry.name):
                with entry.open(encoding="utf-8", errors="replace") as file:
                    lines = file.read(LARGEST).splitlines()
                yield entry.name, [Path(line) for line in lines if Path(line).name == NAME + entry.name]
