"""Putting files where a client's operator decides, with a way back that is exact to the byte."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.app.clients import files, receipt
from ringfence.app.clients.receipt import Before, Kept, Receipt, digest
from ringfence.errors import ConfigError, UnavailableError


@dataclass(frozen=True, slots=True)
class Change:
    """One file."""

    path: Path
    before: bytes | None
    """What is there now; None: nothing."""
    after: bytes

    @property
    def is_one(self) -> bool:
        return self.before != self.after

    def difference(self) -> str:
        """What would be different, as a unified diff."""
        old, new = ((data or b"").decode("utf-8", "replace").splitlines(keepends=True) for data in (self.before, self.after))
        name = "nothing" if self.before is None else str(self.path)
        return "".join(difflib.unified_diff(old, new, name, str(self.path)))


class Installation:
    """What Ringfence put into one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._beside = folder / receipt.FOLDER

    def receipt(self) -> Receipt | None:
        """What was installed here; None: nothing. Raises: ConfigError, UnavailableError."""
        data = files.read(self._beside / receipt.FILE)
        return None if data is None else receipt.receipt_of(data, str(self._beside / receipt.FILE))

    def originals(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """What each file was without Ringfence.

        Raises:
            ConfigError: Somebody changed a file since it was installed, so nobody can tell.
            UnavailableError: A file cannot be read.
        """
        done = self.receipt()
        found: dict[str, bytes | None] = {}
        for name in names:
            kept = done.of(name) if done is not None else None
            found[name] = files.read(self.folder / name) if kept is None else self._original(kept)
        return found

    def changes(self, wanted: Mapping[str, bytes]) -> list[Change]:
        """What there is to write. Raises: ConfigError, UnavailableError."""
        return [Change(self.folder / name, files.read(self.folder / name), data) for name, data in wanted.items()]

    def put(self, wanted: Mapping[str, bytes]) -> None:
        """Write them, and the receipt before that.

        Raises:
            ConfigError: Somebody changed a file since, or others can write to the folder.
            UnavailableError: It cannot be written.
        """
        done = self.receipt()
        originals = self.originals([*wanted])
        # The folder of a first installation may still have to be made.
        made = done.made_folder if done is not None else not self.folder.exists()
        self._make(self.folder)
        self._make(self._beside)
        if others := files.writable_by_others(self._beside, frozenset({0, os.geteuid()})):
            raise ConfigError(
                f"{others}: whoever can write there disarms the client",
                remedy=f"chmod go-w, and chown to root, of {self.folder}",
            )
        kept: list[Kept] = [each for each in (done.files if done else ()) if each.name not in wanted]
        for name, data in wanted.items():
            before = self._keep(name, originals[name], done)
            kept.append(Kept(name, digest(data), before))
        files.write(self._beside / receipt.FILE, Receipt(tuple(kept), made).text(), owner=(0, 0))
        for name, data in wanted.items():
            files.write(self.folder / name, data, owner=(0, 0))

    def take_back(self) -> list[Path]:
        """Put back what was there; which files.

        Raises:
            ConfigError: Nothing was installed here, or somebody changed a file since.
            UnavailableError: It cannot be written.
        """
        done = self.receipt()
        if done is None:
            raise ConfigError(f"nothing was installed in {self.folder}")
        back = {each.name: self._original(each) for each in done.files}
        for each in done.files:
            path, data = self.folder / each.name, back[each.name]
            if data is not None and each.before is not None:
                files.write(path, data, each.before.mode, (each.before.uid, each.before.gid))
                continue
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise files.unwritable(path, error) from error
        self._clear(done)
        return [self.folder / each.name for each in done.files]

    def _original(self, kept: Kept) -> bytes | None:
        """What a file was. Raises: ConfigError, UnavailableError."""
        path, copy = self.folder / kept.name, self._beside / kept.copy
        there = files.read(path)
        now = digest(there) if there is not None else None
        was = kept.before.digest if kept.before is not None else None
        # A file that is as it was: an installation that was cut off, or one that was taken back by hand.
        if now not in {kept.after, was}:
            raise ConfigError(
                f"{path} was changed since Ringfence wrote it",
                remedy=f"put your change into a file of its own, or take it out, so that it is as installed; what stood there "
                f"before Ringfence is {copy if was is not None else 'nothing'}",
            )
        if was is None:
            return None
        data = files.read(copy)
        if data is None or digest(data) != was:
            raise ConfigError(f"{copy} is not what stood there before Ringfence", remedy=f"put {path} back by hand")
        return data

    def _keep(self, name: str, original: bytes | None, done: Receipt | None) -> Before | None:
        """Keep what a file was. Raises: UnavailableError."""
        if original is None:
            return None
        known = done.of(name) if done is not None else None
        if known is not None and known.before is not None:
            return known.before
        try:
            found = (self.folder / name).stat()
        except OSError as error:
            raise UnavailableError(f"{self.folder / name} cannot be read: {error.strerror}") from error
        files.write(self._beside / f"before-{name}", original, found.st_mode & 0o777, (found.st_uid, found.st_gid))
        return Before(digest(original), found.st_mode & 0o7777, found.st_uid, found.st_gid)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=files.FOLDER_MODE, exist_ok=True)
        except OSError as error:
            raise files.unwritable(folder, error) from error
        if folder.is_symlink():
            raise ConfigError(f"{folder} is a link", remedy="make it a folder that belongs to root")

    def _clear(self, done: Receipt) -> None:
        try:
            for name in (*(each.copy for each in done.files), receipt.FILE):
                (self._beside / name).unlink(missing_ok=True)
            self._beside.rmdir()
            if done.made_folder and not any(self.folder.iterdir()):
                self.folder.rmdir()
        except OSError as error:
            raise files.unwritable(self._beside, error) from error
